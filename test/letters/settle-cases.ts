/** What replaying and discarding letters must do on every log. */
import { expect } from 'vitest'
import { MillraceError } from '../../src/core/error.ts'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { anyLetter, type LetterChoice } from '../../src/connect/letters/letter-choice.ts'
import { LetterMarks } from '../../src/connect/letters/letter-marks.ts'
import { scanLetters } from '../../src/connect/letters/letter-scan.ts'
import { settleLetters } from '../../src/connect/letters/settle-letters.ts'
import type { Settled, SettleOptions } from '../../src/connect/letters/settle-letters.ts'
import { Letters, letterHeaderBytesMax } from '../../src/engine/letters.ts'
import { Outputs } from '../../src/engine/outputs.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { Header } from '../../src/log/batch.ts'
import type { Log } from '../../src/log/log.ts'

export interface SettleCase {
  readonly title: string
  /** @param other a second handle of the same log, as of another process */
  run(place: { readonly log: Log; readonly other: Log; readonly topic: string }): Promise<void>
}

export interface Seen {
  readonly place: string
  readonly key: string | null
  readonly value: string | null
  readonly time: number
  readonly headers: Readonly<Record<string, string>>
}

/** All records of a topic, partition by partition. */
export async function seenIn(log: Log, topic: string): Promise<Seen[]> {
  const found: Seen[] = []
  for (const { partition, startOffset, endOffset } of (await log.describeTopic(topic)).partitions) {
    if (startOffset === endOffset) continue
    const reader = await log.openReader([{ topic, partition, offset: startOffset }])
    for (let next = startOffset; next < endOffset;) {
      const batch = reader.poll(0)
      if (batch === null) {
        await reader.wait(5_000)
        continue
      }
      for (let i = batch.first; i < batch.count; i++) {
        found.push({
          place: `${partition}/${batch.offset(i)}`,
          key: batch.key(i)?.toString() ?? null,
          value: batch.value(i)?.toString('latin1') ?? null,
          time: batch.time(i),
          headers: Object.fromEntries(
            batch.headers(i).map(({ name, value }) => [name, String(value)]),
          ),
        })
      }
      next = batch.nextOffset
    }
    await reader.close()
  }
  return found
}

export const own: Header = { name: 'trace', value: Buffer.from('7') }

export interface Refused {
  readonly count: number
  readonly step?: string
  readonly pipeline?: string
  readonly code?: 'decode-failed' | 'validation-failed'
}

/** Appends records `v0 …` to a topic of two partitions, and a letter for each. */
export async function refuse(
  log: Log,
  topic: string,
  { count, step = 'map', pipeline = 'p', code = 'decode-failed' }: Refused,
): Promise<void> {
  await log.createTopic(topic, { partitions: 2 })
  await log.createTopic(`${topic}.dead`, {
    partitions: 2,
    recordBytesMax: 1_048_576 + letterHeaderBytesMax,
  })
  const outputs = new Outputs()
  outputs.declare({
    name: `${topic}.dead`,
    partitionCount: 2,
    recordBytesMax: 1_048_576 + letterHeaderBytesMax,
    compact: false,
  })
  const letters = new Letters(outputs, topic, pipeline)
  for (const partition of [0, 1]) {
    const builder = new BatchBuilder()
    const numbers = Array.from({ length: count }, (_, i) => i).filter((i) => i % 2 === partition)
    for (const i of numbers) builder.add(`k${i}`, valueOf(i), 1_000 + i, [own])
    if (numbers.length === 0) continue
    const [appended] = await log.append([{ topic, partition, bytes: builder.finish() }])
    for (const [at, i] of numbers.entries()) {
      outputs.begin()
      letters.dead(
        {
          topic,
          partition,
          offset: (appended?.baseOffset ?? 0) + at,
          key: Buffer.from(`k${i}`),
          value: valueOf(i),
          timeMs: 1_000 + i,
          headers: [own],
          form: 'raw',
        },
        step,
        new MillraceError(code, `no good: ${i}`),
      )
    }
  }
  await log.append(outputs.take())
}

/** Not UTF-8, so that nothing passes as text. */
function valueOf(i: number): Buffer {
  return Buffer.from([0xff, ...Buffer.from(`v${i}`)])
}

export async function settle(
  log: Log,
  letters: string,
  action: 'replay' | 'discard',
  more: Partial<Omit<SettleOptions, 'choice'>> & { choice?: Partial<LetterChoice> } = {},
): Promise<Settled> {
  const { choice = {}, ...rest } = more
  return await settleLetters({
    log,
    clock: systemClock,
    random: systemRandom,
    letters,
    action,
    limit: null,
    ...rest,
    choice: { ...anyLetter, ...choice },
  })
}

export async function marksOf(log: Log, letters: string): Promise<LetterMarks> {
  const marks = new LetterMarks(log, systemClock, letters)
  await marks.catchUp()
  return marks
}

/** `state to` of each letter. */
export async function statesOf(log: Log, letters: string): Promise<string[]> {
  const marks = await marksOf(log, letters)
  const info = await log.describeTopic(letters)
  const all: string[] = []
  for await (const letter of scanLetters({ log, clock: systemClock }, info, anyLetter)) {
    const to = marks.of(letter)?.to
    const place = to ? ` ${to.partition}/${to.offset}` : ''
    all.push(`${marks.stateOf(letter)}${place}`)
  }
  await marks.close()
  return all
}

/** The records of a topic that were letters before. */
export async function replayedIn(log: Log, topic: string): Promise<Seen[]> {
  return (await seenIn(log, topic)).filter(({ headers }) => 'millrace-letter' in headers)
}

export const settleCases: readonly SettleCase[] = [
  {
    title: 'each letter is replayed once, as its record was, with the way back',
    run: async ({ log, topic }) => {
      await refuse(log, topic, { count: 5 })
      const first = await settle(log, `${topic}.dead`, 'replay')
      expect(first).toMatchObject({
        settled: 5,
        already: 0,
        topics: [topic],
        pipelines: ['p'],
        isComplete: true,
      })
      const all = await seenIn(log, topic)
      const replayed = all.filter(({ headers }) => 'millrace-letter' in headers)
      expect(replayed).toHaveLength(5)
      const letters = await seenIn(log, `${topic}.dead`)
      for (const { key, value, time, headers } of replayed) {
        const before = all.find((one) => one.key === key) as Seen
        expect([value, time]).toEqual([before.value, before.time])
        const letter = letters.find((one) => one.key === key) as Seen
        expect(headers).toEqual({
          trace: '7',
          'millrace-for': 'p',
          'millrace-letter': `${topic}.dead/${letter.place}`,
          'millrace-first': `${topic}/${before.place}`,
          'millrace-attempt': '1',
        })
      }
      // In order within a partition, and each letter knows where its record is.
      const places = replayed.map(({ place }) => `replayed ${place}`)
      expect(await statesOf(log, `${topic}.dead`)).toEqual(places)
      expect(await settle(log, `${topic}.dead`, 'replay')).toMatchObject({ settled: 0, already: 5 })
      expect(await settle(log, `${topic}.dead`, 'discard')).toMatchObject({ settled: 0 })
      expect(await replayedIn(log, topic)).toHaveLength(5)
    },
  },
  {
    title: 'what is discarded is not replayed; letters are chosen by what they are',
    run: async ({ log, topic }) => {
      await refuse(log, topic, { count: 6 })
      await refuse(log, topic, { count: 2, step: 'other', code: 'validation-failed' })
      const letters = `${topic}.dead`
      const discard = async (choice: Partial<LetterChoice>): Promise<number> =>
        (await settle(log, letters, 'discard', { choice })).settled
      expect(await discard({ reason: 'step-failed' })).toBe(0)
      expect(await discard({ pipeline: 'q' })).toBe(0)
      expect(await discard({ key: 'k3' })).toBe(1)
      expect(await discard({ sinceMs: 1_005, untilMs: 1_006 })).toBe(1)
      expect(await discard({ partition: 0, offset: 0 })).toBe(1)
      expect(await discard({ reason: 'validation-failed', step: 'other' })).toBe(2)
      expect(await settle(log, letters, 'replay', { limit: 2 })).toMatchObject({
        settled: 2,
        isComplete: false,
      })
      expect(await settle(log, letters, 'replay')).toMatchObject({
        settled: 1,
        already: 7,
        isComplete: true,
      })
      const keys = (await replayedIn(log, topic)).map(({ key }) => String(key))
      expect(new Set(keys)).toEqual(new Set(['k1', 'k2', 'k4']))
      expect(keys).toHaveLength(3)
      const states = (await statesOf(log, letters)).map((text) => text.split(' ')[0])
      expect(states.filter((state) => state === 'discarded')).toHaveLength(5)
    },
  },
  {
    title: 'two replays at once share the letters: each is replayed once',
    run: async ({ log, other, topic }) => {
      const count = 1_800
      await refuse(log, topic, { count })
      const done = await Promise.all([
        settle(log, `${topic}.dead`, 'replay'),
        settle(other, `${topic}.dead`, 'replay'),
        settle(log, `${topic}.dead`, 'replay', { choice: { partition: 1 } }),
      ])
      expect(done.reduce((sum, { settled }) => sum + settled, 0)).toBe(count)
      const replayed = await replayedIn(log, topic)
      expect(replayed).toHaveLength(count)
      expect(new Set(replayed.map(({ key }) => key)).size).toBe(count)
      expect(await settle(other, `${topic}.dead`, 'replay')).toMatchObject({ already: count })
    },
  },
  {
    title: 'letters of one record, refused twice by a pipeline, are one record again',
    run: async ({ log, topic }) => {
      await refuse(log, topic, { count: 3 })
      const again = new Outputs()
      again.declare({
        name: `${topic}.dead`,
        partitionCount: 2,
        recordBytesMax: 2_000_000,
        compact: false,
      })
      const origin = {
        topic,
        partition: 0,
        offset: 0,
        key: Buffer.from('k0'),
        value: valueOf(0),
        timeMs: 1_000,
        headers: [own],
        form: 'raw' as const,
      }
      for (const pipeline of ['p', 'q']) {
        again.begin()
        new Letters(again, topic, pipeline).dead(origin, 'second', new Error('x'))
      }
      await log.append(again.take())
      const choice = { step: 'second', pipeline: 'p' }
      expect((await settle(log, `${topic}.dead`, 'replay', { choice })).settled).toBe(1)
      expect(await settle(log, `${topic}.dead`, 'replay')).toMatchObject({
        settled: 4,
        pipelines: ['p', 'q'],
      })
      const addressed = (await replayedIn(log, topic))
        .filter(({ key }) => key === 'k0')
        .map(({ headers }) => headers['millrace-for'])
      expect(addressed).toHaveLength(2)
      expect(new Set(addressed)).toEqual(new Set(['p', 'q']))
    },
  },
]
