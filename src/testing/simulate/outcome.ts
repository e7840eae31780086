/**
 * What a run has committed, in the form in which two runs are compared: records of each output
 * topic, by key, in order.
 *
 * What is not compared, as it may differ between right runs: offsets, order among keys, stacks of
 * errors. Where tasks read a repartition topic, records of several partitions meet there in any
 * order: what such tasks write is compared as a set (how often each record is there counts), and
 * the watermark that a late letter names is left out. Of tables that they write to a compact topic
 * the newest rows are compared: those before may be others. Where a plan calls the world outside,
 * letters of records that wait for an answer come later, and with what they have become: of such
 * plans letters are compared as a set, by where they come from and why.
 */
import type { Committed, CommittedPartition } from './world.ts'
import { passageHeader } from '../../pipeline/replay-headers.ts'

export interface OutcomeScope {
  readonly topics: readonly string[]
  /** Names of topics of letters whose order and form depend on when calls are answered. */
  readonly looseLetters: ReadonlySet<string>
  /** Names of topics that are tables: of each key only the newest row is compared. */
  readonly tables: ReadonlySet<string>
  /** Who wrote the record, for runs with several tasks; null where only the key counts. */
  readonly writerOf: ((topic: string, partition: number, offset: number) => Writer) | null
}

export interface Writer {
  readonly name: string
  /** Whether its records come in an order that is always the same. */
  readonly isOrdered: boolean
}

/** Place (topic, key) → its records as text, in order. */
export type Outcome = ReadonlyMap<string, readonly string[]>

const inOrder: Writer = { name: '', isOrdered: true }

export function readOutcome(
  committed: Pick<Committed, 'topics'>,
  { topics, writerOf, looseLetters, tables }: OutcomeScope,
): Outcome {
  const places = new Map<string, string[]>()
  const unordered = new Set<string>()
  for (const name of topics) {
    const isLoose = looseLetters.has(name)
    const partitions: readonly CommittedPartition[] = committed.topics.get(name)?.partitions ?? []
    for (const one of partitions) {
      const { partition } = one
      let next = one.startOffset
      for (let batch = one.read(next); batch !== null; batch = one.read(next)) {
        next = batch.nextOffset
        for (let i = batch.first; i < batch.count; i++) {
          const writer = writerOf?.(name, partition, batch.offset(i)) ?? inOrder
          const key = batch.key(i)
          const own = key === null ? `no key, partition ${partition}` : `key ${key.toString()}`
          const who = isLoose ? 'any key' : own
          const place = `${name}, ${who}${writer.name === '' ? '' : `, of ${writer.name}`}`
          const headers = batch.headers(i).flatMap(({ name: header, value }) => {
            if (header === 'millrace-stack' || header === passageHeader) return []
            if (header === 'millrace-watermark' && (isLoose || !writer.isOrdered)) return []
            if (isLoose && (header === 'millrace-value' || header === 'millrace-time')) return []
            return ` ${header}=${Buffer.from(value ?? []).toString()}`
          })
          const value = batch.value(i)?.toString() ?? 'null'
          if (tables.has(name)) {
            // That there is no row any more is as if there never was one.
            if (value === 'null') places.delete(`${name}, ${own}`)
            else places.set(`${name}, ${own}`, [value])
            continue
          }
          const list = places.get(place)
          const what = isLoose ? 'a letter' : `${value} at ${batch.time(i)}`
          const text = `${what}${headers.join('')}`
          if (list === undefined) places.set(place, [text])
          else list.push(text)
          if (isLoose || !writer.isOrdered) unordered.add(place)
        }
      }
    }
  }
  for (const place of unordered) places.get(place)?.sort()
  return places
}

/** The first place where two outcomes differ, as text for people; null: they are equal. */
export function difference(expected: Outcome, got: Outcome): string | null {
  for (const place of new Set([...expected.keys(), ...got.keys()])) {
    const wanted = expected.get(place) ?? []
    const found = got.get(place) ?? []
    for (let i = 0; i < Math.max(wanted.length, found.length); i++) {
      if (wanted[i] === found[i]) continue
      const counts = `${wanted.length} records without faults, ${found.length} with them`
      const [here, there] = [wanted[i] ?? 'none', found[i] ?? 'none']
      return `${place}: ${counts}; record ${i}: expected ${here}, got ${there}`
    }
  }
  return null
}
