/** The engine is tested by its own simulation: steps of every kind, under faults of every kind. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { seededRandom } from '../../core/random.ts'
import { collect, count, first, from, json, session, sliding, table } from '../../index.ts'
import { topic, tumbling, within } from '../../index.ts'
import { simulate } from './simulate.ts'
import { inputOf } from './simulation-input.ts'

const seeds = 25

interface Event {
  readonly id: string
  readonly n: number
  readonly at: number
}

const spec = {
  codec: json<Event>(),
  key: (event: Event) => event.id,
  time: (event: Event) => event.at,
  outOfOrder: '2s' as const,
  partitions: 2,
}
const left = topic('left', spec)
const right = topic('right', spec)
const out = topic('out')

/** @param lateMs how far one of ten records may be behind the others */
function events(seed: number, lateMs: number): Event[] {
  const random = seededRandom(seed)
  return Array.from({ length: 100 }, (_, n) => {
    const at = 10_000 + n * 300 - random.int(random.int(10) === 0 ? lateMs : 2_000)
    return { id: `k${random.int(6)}`, n, at }
  })
}

const alone = {
  'a window with lateness': () =>
    from(left).window(tumbling('5s'), { lateness: '3s' }).aggregate({ n: count() }).to(out),
  'a sliding window': () =>
    from(left)
      .window(sliding('10s', { every: '2s' }))
      .aggregate({ n: count() })
      .to(out),
  sessions: () =>
    from(left)
      .window(session('3s'))
      .aggregate({ all: collect((event: Event) => event.n) })
      .to(out),
  'a running aggregate': () =>
    from(left)
      .aggregate({ n: count(), first: first((event: Event) => event.n) })
      .to(out),
  'calls outside': () =>
    from(left)
      .mapAsync(async (event) => ({ ...event, isKnown: true }))
      .to(out),
  'dead letters': () =>
    from(left)
      .map((event) => {
        if (event.n % 7 === 0) throw new Error('seven')
        return event
      })
      .window(tumbling('5s'))
      .aggregate({ n: count() })
      .to(out),
}
const both = {
  'an interval join': () => from(left).join(from(right), within('3s'), { type: 'left' }).to(out),
  'a join with a table': () => from(left).join(table(right), { type: 'left' }).to(out),
}

for (const [name, pipeline] of Object.entries({ ...alone, ...both })) {
  for (const tasks of ['one', 'per-partition'] as const) {
    test(`${name}, tasks: ${tasks}`, async () => {
      // What is later than the bound may rightly differ where partitions are read on their own.
      const lateMs = tasks === 'one' ? 9_000 : 2_000
      const others = Object.hasOwn(both, name) ? inputOf(right, events(6, lateMs)) : []
      const input = [...inputOf(left, events(5, lateMs)), ...others]
      const report = await simulate(pipeline, { input, seeds, tasks })
      assert.ok(report.commits > seeds * 3 && report.faults.crash > 5, JSON.stringify(report))
    })
  }
}
