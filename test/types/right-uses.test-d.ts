/** Types flow from schema to sink: inferred exactly, without annotation or cast. Compiled by the type check, never run. */
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import {
  bytes,
  collect,
  count,
  distinct,
  first,
  from,
  json,
  last,
  max,
  mean,
  min,
  pipeline,
  string,
  sum,
  topic,
  tumbling,
} from 'millrace'
import type { Key, Pipeline, Stream, Topic, Window } from 'millrace'
import type { Equal, Expect } from './equal.ts'

// The design's example, as written there.
const readings = topic('readings', {
  schema: z.object({ device: z.string(), celsius: z.number(), at: z.coerce.date() }),
  key: (r) => r.device,
  time: (r) => r.at,
  outOfOrder: '5s',
})
const hot = from(readings)
  .window(tumbling('1m'))
  .aggregate({ peak: max((r) => r.celsius), readings: count() }) // { key, window, peak, readings }
  .filter((w) => w.peak > 90)

interface Reading {
  device: string
  celsius: number
  at: Date
}
interface Hot {
  key: string
  window: Window
  peak: number
  readings: number
}
type Value<S> = S extends Stream<infer T, infer _> ? T : never
type KeyOf<S> = S extends Stream<infer _, infer K> ? K : never

export type Example = [
  Expect<Equal<typeof readings, Topic<Reading, string>>>,
  Expect<Equal<typeof hot, Stream<Hot, string>>>,
]
export const run: Pipeline = hot.to(topic('hot', { codec: json<Hot>() }))
