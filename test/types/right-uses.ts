/**
 * Types are inferred exactly, from schema to sink, with no annotation and no cast. Compiled by the
 * type check, never run.
 */
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import {
  bytes,
  calendar,
  collect,
  count,
  countWindow,
  cumulative,
  distinct,
  first,
  from,
  globalWindow,
  json,
  last,
  max,
  mean,
  min,
  onCount,
  onInterval,
  pipeline,
  session,
  sliding,
  string,
  sum,
  topic,
  trailing,
  tumbling,
} from 'millrace'
import type { Key, WindowSpec, Pipeline, Stream, Table, Topic, Window } from 'millrace'
import type { Equal, Expect } from './equal.ts'

type Reading = { device: string; celsius: number; at: Date }
const readings = topic('readings', {
  schema: z.object({ device: z.string(), celsius: z.number(), at: z.coerce.date() }),
  key: (r) => r.device,
  time: (r) => r.at,
  outOfOrder: '5s',
})
const hot = from(readings)
  .window(tumbling('1m'))
  .aggregate({ peak: max((r) => r.celsius), readings: count() })
  .filter((w) => w.peak > 90)
type Hot = { key: string; window: Window; peak: number; readings: number }
export type Example = [
  Expect<Equal<typeof readings, Topic<Reading, string>>>,
  Expect<Equal<typeof hot, Stream<Hot, string>>>,
]

// What a topic's values and keys are.
const byValibot = topic('v', { schema: v.object({ id: v.number() }), key: (r) => [r.id, 'x'] })
const byArktype = topic('a', { schema: type({ id: 'string' }), time: (r) => r.id.length })
const raw = topic('raw', { codec: bytes(), key: 'record' })
const plain = topic('plain')
const maybe = topic('maybe', { codec: string(), key: (s) => (s === '' ? null : s) })
const both = topic('both', { codec: json(), schema: z.array(z.string()) })
export type Topics = [
  Expect<Equal<typeof byValibot, Topic<{ id: number }, [number, string]>>>,
  Expect<Equal<typeof byArktype, Topic<{ id: string }, null>>>,
  Expect<Equal<typeof raw, Topic<Uint8Array, string>>>,
  Expect<Equal<typeof plain, Topic<unknown, null>>>,
  Expect<Equal<typeof maybe, Topic<string, string | null>>>,
  Expect<Equal<typeof both, Topic<string[], null>>>,
]

// Steps.
const lines = from(topic('lines', { codec: string(), key: 'record' }))
const lengths = lines.map((line) => line.length)
const words = lines.flatMap((line) => line.split(' '))
const keyed = words.keyBy((word) => word.length)
const pairs = words.keyBy((word) => [word, word.length])
const mapped = keyed.map((word) => ({ word }))
const present = lines.map((line) => (line === '' ? undefined : line)).filter((x) => x !== undefined)
const merged = lengths.merge(
  words,
  mapped.keyBy((m) => m.word),
)
const named = lengths.named('lengths')
export type Steps = [
  Expect<Equal<typeof lengths, Stream<number, string>>>,
  Expect<Equal<typeof words, Stream<string, string>>>,
  Expect<Equal<typeof keyed, Stream<string, number>>>,
  Expect<Equal<typeof pairs, Stream<string, readonly [string, number]>>>,
  Expect<Equal<typeof mapped, Stream<{ word: string }, number>>>,
  Expect<Equal<typeof present, Stream<string, string>>>,
  Expect<Equal<typeof merged, Stream<number | string | { word: string }, string>>>,
  Expect<Equal<typeof named, Stream<number, string>>>,
]

// Branches: a type guard narrows its own branch and the rest, a plain predicate neither.
type Circle = { kind: 'circle'; radius: number }
type Square = { kind: 'square'; side: number }
const shapes = from(topic('shapes', { codec: json<Circle | Square>(), key: (s) => s.kind }))
const split = shapes.branch({ circles: (s) => s.kind === 'circle', big: (s) => area(s) > 10 })
const plainSplit = shapes.branch({ big: (s) => area(s) > 10 })
declare function area(shape: Circle | Square): number
export type Branches = [
  Expect<Equal<keyof typeof split, 'circles' | 'big' | 'rest'>>,
  Expect<Equal<typeof split.circles, Stream<Circle, 'circle' | 'square'>>>,
  Expect<Equal<typeof split.big, Stream<Circle | Square, 'circle' | 'square'>>>,
  Expect<Equal<typeof split.rest, Stream<Square, 'circle' | 'square'>>>,
  Expect<Equal<typeof plainSplit.rest, Stream<Circle | Square, 'circle' | 'square'>>>,
]

// Aggregates.
const summary = from(readings).aggregate({
  total: sum((r) => r.celsius),
  average: mean((r) => r.celsius),
  newest: max((r) => r.at),
  least: min((r) => r.device),
  devices: distinct((r) => r.device),
  all: collect(),
  temperatures: collect((r) => r.celsius),
  opening: first(),
  closing: last((r) => r.at),
})
const hottest = from(readings)
  .window(tumbling('1h'), { lateness: '5m' })
  .reduce((a, b) => (b.celsius > a.celsius ? b : a))
const newest = from(readings).reduce((_, b) => b)
export type Results = [
  Expect<
    Equal<
      typeof summary,
      Table<
        {
          key: string
          total: number
          average: number
          newest: Date
          least: string
          devices: number
          all: Reading[]
          temperatures: number[]
          opening: Reading
          closing: Date
        },
        string
      >
    >
  >,
  Expect<Equal<typeof hottest, Stream<{ key: string; window: Window; value: Reading }, string>>>,
  Expect<Equal<typeof newest, Table<{ key: string; value: Reading }, string>>>,
]

// Sinks: a topic may take more than it is given. The key of the stream and of the topic may differ.
const outputs: Pipeline[] = [
  hot.to(topic('hot', { codec: json<{ key: string; peak: number }>(), key: (h) => h.key })),
  hot.to(plain),
  hot.print({ every: '1s', first: 5, format: (h) => `${h.key} ${h.peak}` }),
  hot.forEach((h, { key, time }) => [h.peak.toFixed(), key.length, time]),
]
export const all: Pipeline = pipeline('all', ...outputs)

// Windows of every kind are values.
const windows: readonly WindowSpec[] = [
  sliding('10s', { every: '2s', offset: '1s' }),
  trailing('10m'),
  session('30m', { time: 'processing' }),
  cumulative('1h', { within: '1d' }),
  calendar('3mo', { timeZone: 'Europe/Berlin' }),
  countWindow(100, { every: 10 }),
  globalWindow(onInterval('10s', { purge: true })),
  globalWindow(onCount(3)),
]
export const perWindow: Pipeline[] = windows.map((window) =>
  from(readings)
    .window(window, { emit: { early: '1s' } })
    .aggregate({ n: count() })
    .filter((result) => result.window.pane !== 'early' && result.n > 1)
    .print(),
)

// A function over any keyed stream.
export function perMinute<V, K extends Key>(stream: Stream<V, K>): Stream<{ n: number }, K> {
  return stream
    .window(tumbling('1m'))
    .aggregate({ n: count() })
    .map(({ n }) => ({ n }))
}
