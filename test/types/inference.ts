/** Types flow from the schema to the sink without an annotation or a cast; wrong uses do not compile. Checked by `tsc`, never run. */
import { z } from 'zod'
import { collect, count, first, from, json, max, mean, pipeline, run, string, topic, tumbling } from '../../src/index.ts'
import type { Stream, Window } from '../../src/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function expectType<Wanted>(): <Given>(given: Given, equal: Equal<Wanted, Given>) => void {
  return () => {}
}

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
expectType<Stream<{ key: string; window: Window; peak: number; readings: number }, string>>()(hot, true)

const hotTopic = topic('hot', { schema: z.object({ key: z.string(), peak: z.number() }), key: (h) => h.key })
await run(hot.to(hotTopic), { name: 'overheating' })
pipeline('two', hot.to(hotTopic), hot.print())

const lines = from(topic('lines', { codec: string() }))
expectType<Stream<string, null>>()(lines, true)
expectType<Stream<number, null>>()(lines.map((line) => line.length), true)
expectType<Stream<string, number>>()(lines.keyBy((line) => line.length), true)
expectType<Stream<string, string>>()(from(topic('own', { codec: string(), key: 'record' })), true)
expectType<Stream<unknown, null>>()(from(topic('plain')), true)

type Shape = { kind: 'circle'; radius: number } | { kind: 'square'; side: number }
const shapes = from(topic('shapes', { codec: json<Shape>(), key: (shape) => shape.kind }))
const split = shapes.branch({ circles: (shape) => shape.kind === 'circle', big: (shape) => 'side' in shape && shape.side > 3 })
expectType<Stream<{ kind: 'circle'; radius: number }, 'circle' | 'square'>>()(split.circles, true)
expectType<Stream<{ kind: 'square'; side: number }, 'circle' | 'square'>>()(split.rest, true)
expectType<Stream<string | number, null>>()(lines.merge(lines.map((line) => line.length)), true)
const rows = shapes.aggregate({ all: collect(), start: first((shape) => shape.kind), average: mean(() => 1) })
expectType<
  Stream<{ key: 'circle' | 'square'; all: Shape[]; start: 'circle' | 'square'; average: number }, 'circle' | 'square'>
>()(rows, true)

// @ts-expect-error a window needs a key
lines.window(tumbling('1m'))
// @ts-expect-error an aggregate needs a key
lines.aggregate({ lines: count() })
// @ts-expect-error a reduce needs a key
lines.reduce((a: string) => a)
// @ts-expect-error a duration is not written like that
tumbling('5 seconds')
// @ts-expect-error no such unit
topic('x', { outOfOrder: '5w' })
// @ts-expect-error the schema has no such field
topic('x', { schema: z.object({ a: z.string() }), key: (r) => r.b })
// @ts-expect-error an object is no key
lines.keyBy((line) => ({ line }))
// @ts-expect-error the values have no such field
from(readings).window(tumbling('1m')).aggregate({ peak: max((r) => r.fahrenheit) })
// @ts-expect-error a sink of another shape
hot.to(topic('other', { schema: z.object({ name: z.string() }) }))
// @ts-expect-error there is no such branch
split.triangles.map((shape) => shape)
// @ts-expect-error key is there by itself
from(readings).window(tumbling('1m')).aggregate({ key: count() })
// @ts-expect-error a stream that goes nowhere is no pipeline
await run(hot)
