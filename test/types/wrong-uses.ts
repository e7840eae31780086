/**
 * Wrong uses do not compile. Compiled by the type check, never run: each line below a mark must be
 * an error.
 */
import { z } from 'zod'
import {
  calendar,
  collect,
  count,
  from,
  globalWindow,
  json,
  last,
  max,
  pipeline,
  session,
  sliding,
  string,
  sum,
  topic,
  tumbling,
} from 'millrace'
import type { NeedsKey } from '../../src/pipeline/stream.ts'
import type { Equal, Expect } from './equal.ts'

const lines = from(topic('lines', { codec: string() }))
const maybe = from(topic('maybe', { codec: string(), key: (s) => (s === '' ? null : s) }))
const readings = from(
  topic('readings', {
    schema: z.object({ device: z.string(), celsius: z.number() }),
    key: (r) => r.device,
  }),
)
const hot = readings.window(tumbling('1m')).aggregate({ peak: max((r) => r.celsius) })

// Grouping needs a key, and the compiler says what to do.
// @ts-expect-error no key
lines.window(tumbling('1m'))
// @ts-expect-error no key
lines.aggregate({ n: count() })
// @ts-expect-error no key
lines.reduce((a, b) => a + b)
// @ts-expect-error perhaps no key
maybe.window(tumbling('1m'))
export type Advice = Expect<
  Equal<NeedsKey, 'this stream has no key: call .keyBy(fn) first, or give its topic a key'>
>

// Keys.
// @ts-expect-error an object is no key
lines.keyBy((line) => ({ line }))
// @ts-expect-error null is no key
lines.keyBy(() => null)
// @ts-expect-error a Date is no key
topic('x', { codec: json<{ at: Date }>(), key: (r) => r.at })
// @ts-expect-error neither a function nor 'record'
topic('x', { key: 'device' })
// @ts-expect-error string keys and number keys
readings.merge(readings.keyBy((r) => r.celsius))
// @ts-expect-error keyed and not keyed
lines.merge(readings)

// Durations.
// @ts-expect-error not a duration
tumbling('5 seconds')
// @ts-expect-error not a duration
topic('x', { outOfOrder: '5 seconds' })
// @ts-expect-error a number has no unit
topic('x', { idleAfter: 5 })
// @ts-expect-error not a duration
readings.window(tumbling('1m'), { lateness: '1 min' })
// @ts-expect-error not a duration
sliding('1m', { every: '5 seconds' })
// @ts-expect-error windows that overlap need every
sliding('1m')
// @ts-expect-error a period is of days, weeks, months or years
calendar('1h', { timeZone: 'UTC' })
// @ts-expect-error the clocks of which time zone
calendar('1d', {})
// @ts-expect-error a trigger, not a count
globalWindow(3)
// @ts-expect-error whose time
session('1m', { time: 'wall' })
// @ts-expect-error not a duration
lines.print({ every: 'second' })

// Fields that are not there.
// @ts-expect-error no such field
topic('x', { schema: z.object({ a: z.string() }), key: (r) => r.b })
// @ts-expect-error no such field
topic('x', { schema: z.object({ a: z.string() }), time: (r) => r.b })
// @ts-expect-error no such field
readings.aggregate({ peak: max((r) => r.fahrenheit) })
// @ts-expect-error no such field
hot.filter((w) => w.least > 3)
// @ts-expect-error no such branch
readings.branch({ hot: (r) => r.celsius > 30 }).cold
// @ts-expect-error no such option
topic('x', { outOfOrderness: '5s' })

// Aggregators.
// @ts-expect-error a string cannot be summed
readings.aggregate({ total: sum((r) => r.device) })
// @ts-expect-error booleans have no order
readings.aggregate({ peak: max((r) => r.celsius > 3) })
// @ts-expect-error every result has its key
readings.aggregate({ key: count() })
// @ts-expect-error every result has its window
readings.window(tumbling('1m')).aggregate({ window: collect() })
// @ts-expect-error a function is no aggregator
readings.aggregate({ n: () => 3 })
// @ts-expect-error made for other values
readings.aggregate({ n: last((r: { other: boolean }) => r.other) })
// @ts-expect-error gives another type than it takes
readings.reduce((a) => a.celsius)

// Sinks and branches.
// @ts-expect-error another shape
hot.to(topic('out', { schema: z.object({ name: z.string() }) }))
// @ts-expect-error text into a topic of numbers
lines.to(topic('out', { codec: json<number>() }))
// @ts-expect-error not a topic
lines.to('out')
// @ts-expect-error a stream is not a pipeline
pipeline('p', lines)
// @ts-expect-error rest is there by itself
readings.branch({ rest: (r) => r.celsius > 3 })
// @ts-expect-error a predicate gives a boolean
lines.filter((line) => line.length)
// @ts-expect-error a promise is no boolean
lines.filter(async (line) => line === '')
