/** What a pipeline under test has committed: the records of its topics, and its letters. */
import { validator } from '../core/schema.ts'
import { RecordBatch } from '../log/batch.ts'
import type { AppendBatch } from '../log/log.ts'
import type { TopicSpec } from '../pipeline/node.ts'

/** A record that a pipeline wrote. */
export interface TestRecord<V> {
  readonly value: V
  readonly key: string | null
  /** Record time, ms: the event time of the result. */
  readonly time: number
  readonly partition: number
  readonly offset: number
}

/** A record that could not be processed, or came too late. */
export interface TestLetter {
  /** An error code, or `late`. */
  readonly reason: string
  readonly step: string
  readonly message: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  /** The raw value as text. */
  readonly value: string | null
}

export class WrittenTopics {
  readonly #written: Map<string, RecordBatch[]> = new Map()
  readonly #ends: Map<string, number> = new Map()

  /** @returns what was taken, with its offsets */
  take(appends: readonly AppendBatch[]): RecordBatch[] {
    return appends.map(({ topic, partition, bytes }) => {
      const place = `${topic}/${partition}`
      const batch = new RecordBatch(topic, partition, this.#ends.get(place) ?? 0, bytes)
      this.#ends.set(place, batch.nextOffset)
      this.#written.set(place, [...(this.#written.get(place) ?? []), batch])
      return batch
    })
  }

  /** In order of partition and offset. */
  records(spec: TopicSpec): TestRecord<unknown>[] {
    const validate = spec.schema === null ? null : validator(spec.schema, { topic: spec.name })
    const records: TestRecord<unknown>[] = []
    this.#each(spec.name, (batch, i) => {
      const key = batch.key(i)?.toString() ?? null
      records.push({
        value: batch.valueIsNull(i) ? null : valueOf(batch, i, { codec: spec.codec, validate }),
        key,
        time: batch.time(i),
        partition: batch.partition,
        offset: batch.offset(i),
      })
    })
    return records
  }

  /** The newest value of each key, but of those that a null has taken away. */
  table(spec: TopicSpec): Map<string, unknown> {
    const rows = new Map<string, unknown>()
    for (const { key, value } of this.records(spec)) {
      if (key === null) continue
      if (value === null) rows.delete(key)
      else rows.set(key, value)
    }
    return rows
  }

  /** In order of partition and offset. */
  letters(topic: string): TestLetter[] {
    const letters: TestLetter[] = []
    this.#each(topic, (batch, i) => letters.push(letterOf(batch, i)))
    return letters
  }

  /** Calls `visit` for each record written to a topic, in order of partition and offset. */
  #each(topic: string, visit: (batch: RecordBatch, i: number) => void): void {
    const written = [...this.#written.values()]
      .filter(([first]) => first?.topic === topic)
      .toSorted(([a], [b]) => (a?.partition ?? 0) - (b?.partition ?? 0))
    for (const batches of written) {
      for (const batch of batches) for (let i = 0; i < batch.count; i++) visit(batch, i)
    }
  }
}

function valueOf(
  batch: RecordBatch,
  i: number,
  {
    codec,
    validate,
  }: Pick<TopicSpec, 'codec'> & { readonly validate: ((value: unknown) => unknown) | null },
): unknown {
  const decoded = codec.decode(batch.bytes, batch.valueStart(i), batch.valueEnd(i))
  return validate === null ? decoded : validate(decoded)
}

function letterOf(batch: RecordBatch, i: number): TestLetter {
  const header = letterHeaders(batch, i)
  return {
    reason: header('reason'),
    step: header('step'),
    message: header('message'),
    topic: header('topic'),
    partition: Number(header('partition')),
    offset: Number(header('offset')),
    key: batch.key(i)?.toString() ?? null,
    value: batch.value(i)?.toString() ?? null,
  }
}

/** Looks up what a letter's headers say; empty: nothing. */
export function letterHeaders(batch: RecordBatch, i: number): (name: string) => string {
  const headers = new Map(
    batch.headers(i).map(({ name, value }) => [name, Buffer.from(value ?? []).toString()]),
  )
  return (name) => headers.get(`millrace-${name}`) ?? ''
}
