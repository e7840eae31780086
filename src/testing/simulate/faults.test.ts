/** Single faults, given by hand: what they do, and that the results stay the same. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { count, from, json, topic, tumbling } from '../../index.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import { pipelinesOf } from '../../pipeline/pipelines-of.ts'
import type { Fault } from './fault.ts'
import { difference } from './outcome.ts'
import { runOnce, type RunResult } from './simulation.ts'
import { simulate } from './simulate.ts'
import { encodeInput, inputOf } from './simulation-input.ts'
import { subjectOf } from './subject.ts'
import { throwingSteps } from './throwing.ts'
import { MemoryWorld, type World } from './world.ts'

interface Event {
  readonly id: string
  readonly at: number
}
const spec = { codec: json<Event>(), key: ({ id }: Event) => id, time: ({ at }: Event) => at }
const events = topic('events', { ...spec, partitions: 3 })
const counts = from(events)
  .map((event) => event)
  .named('pass')
  .window(tumbling('5s'))
  .aggregate({ n: count() })
  .to(topic('counts'))
const values = Array.from({ length: 90 }, (_, i): Event => ({ id: `k${i % 7}`, at: i * 400 }))
const small: Fault = { kind: 'small-reads', records: 3, commitEveryMs: 0 }

/** Processes that died, and whether the power went, as the storage was told. */
const told: string[] = []
function toldWorld(): World {
  const memory = new MemoryWorld((log) => log)
  return {
    open: (process, clock) => memory.open(process, clock),
    crashed: (process) => void told.push(`crash ${process}`),
    powerLost: () => void told.push('power'),
    committed: memory.committed,
  }
}

const subject = subjectOf(() => pipelinesOf(counts), {
  tasks: 'per-partition',
  settleMs: 3_600_000,
  betweenMs: 60_000,
  startAt: 'earliest',
  world: toldWorld,
})
const input = encodeInput(inputOf(events, values), subject.sources)

/** The trace; the results are as without faults. */
async function traceWith(...faults: readonly Fault[]): Promise<string> {
  const throws = faults.filter(({ kind }) => kind === 'throws')
  const run = (some: readonly Fault[]): Promise<RunResult> =>
    runOnce({ subject, input, faults: some, tap: null })
  const expected = await run(throws)
  assert.ok(expected.outcome.size > 0)
  told.length = 0
  const result = await run([small, ...faults])
  assert.equal(result.stuck, null)
  assert.equal(difference(expected.outcome, result.outcome), null)
  const missed = faults.filter((fault) => !result.met.includes(fault))
  assert.deepEqual(missed, [], result.trace.join('\n'))
  return result.trace.join('\n')
}

test('a process joins, and the old one is slow to give up what it has to', async () => {
  const trace = await traceWith(
    { kind: 'hand-over', change: 'joins', at: 2 },
    { kind: 'hand-over', change: 'is slow', at: 0, ms: 500 },
  )
  // Its other tasks go on meanwhile, and what it is to give up is nobody's yet.
  const [, between = ''] = /hears of loss 0([^]+?)process 2 is given main/.exec(trace) ?? []
  assert.match(between, /process 1 commit/)
  assert.doesNotMatch(between, /process 2 opening \d+: main/)
  assert.match(trace, /process 2 commit \d+ of main/)
})

test('a process crashes when it is to give tasks up: they move after its lease', async () => {
  const trace = await traceWith(
    { kind: 'hand-over', change: 'joins', at: 2 },
    { kind: 'crash', when: 'hand-over', at: 0 },
  )
  assert.match(trace, /process 1 crashes: it is to give up main[^]+process 2 is given main/)
  assert.deepEqual(told, ['crash 1'])
})

test('a process that is slower than its lease is put out, and joins again', async () => {
  const trace = await traceWith(
    { kind: 'hand-over', change: 'joins', at: 2 },
    { kind: 'pause', at: 12, ms: 15_000 },
  )
  assert.match(trace, /process (\d) is put out of the group[^]+process \1 is given main/)
})

test('the power goes: all die at once, and others go on', async () => {
  const trace = await traceWith(
    { kind: 'hand-over', change: 'joins', at: 2 },
    { kind: 'crash', when: 'power', at: 10 },
  )
  assert.match(
    trace,
    /the power goes[^]+process 1 crashes[^]+process 2 crashes[^]+process 3 starts/,
  )
  assert.deepEqual(told, ['crash 1', 'crash 2', 'power'])
})

test('a partition stalls: others go on, and the results are the same', async () => {
  const trace = await traceWith({ kind: 'stalled', at: 1, input: 0, ms: 40 })
  const [, place = '', during = ''] =
    /(events\/\d) stalls for 40 ms([^]+?)\n40 ms/.exec(trace) ?? []
  assert.match(during, /process 1 commit/)
  assert.ok(!during.replace(/^.*\n/, '').includes(place), during)
})

test('a function throws at the same records again after a crash', async () => {
  const throws: Fault = { kind: 'throws', seed: 1, oneIn: 4 }
  const trace = await traceWith(throws, { kind: 'crash', when: 'before-commit', at: 6 })
  const thrown = trace.match(/process \d lets step 'pass' throw/g) ?? []
  assert.ok(thrown.some((line) => line.includes('process 1')))
  assert.ok(thrown.some((line) => line.includes('process 2')))
  const { outcome } = await runOnce({ subject, input, faults: [throws], tap: null })
  const letters = [...outcome.entries()].filter(([place]) => place.includes('dead'))
  const count_ = letters.reduce((sum, [, list]) => sum + list.length, 0)
  assert.ok(count_ >= 10 && count_ < thrown.length, `${count_} letters, ${thrown.length} throws`)
})

test('records that come while those before are processed change nothing', async () => {
  const few = topic('few', spec)
  const alone = subjectOf(
    () => pipelinesOf(from(few).window(tumbling('5s')).aggregate({ n: count() }).to(topic('out'))),
    { ...subject, tasks: 'one' },
  )
  const growing: Fault = { kind: 'growing-input', pieces: 4, everyMs: 150 }
  const records = encodeInput(inputOf(few, values), alone.sources)
  const run = (...faults: readonly Fault[]): Promise<RunResult> =>
    runOnce({ subject: alone, input: records, faults, tap: null })
  const expected = await run()
  const result = await run(growing, { kind: 'crash', when: 'before-commit', at: 2 })
  assert.equal(difference(expected.outcome, result.outcome), null)
  const trace = result.trace.join('\n')
  assert.match(trace, /commit \d+ of main[^]+more records of the input come[^]+process 2 commit/)
  assert.equal(trace.match(/more records of the input come/g)?.length, 3)
})

test('functions that throw and input that grows are drawn where a plan allows it', async () => {
  const few = topic('few', spec)
  const pipeline = from(few)
    .map((event) => event)
    .to(topic('out'))
  const { faults } = await simulate(pipeline, { input: inputOf(few, values), seeds: 40 })
  assert.ok(faults.throws >= 5 && faults['growing-input'] >= 5, JSON.stringify(faults))
  assert.equal(faults['hand-over'], 0)
  const wide = from(events).to(topic('out'))
  const other = await simulate(wide, { input: inputOf(events, values), seeds: 20 })
  assert.equal(other.faults.throws + other.faults['growing-input'], 0)
})

test('calls that fail do so at the same records, and those behind them stay in order', async () => {
  const few = topic('few', spec)
  const called = from(few)
    .map((event) => event)
    .mapAsync(async (event) => await Promise.resolve(event), { concurrency: 4 })
    .window(tumbling('5s'))
    .aggregate({ n: count() })
    .to(topic('out'))
  const report = await simulate(called, { input: inputOf(few, values), seeds: 120 })
  assert.ok(report.faults.throws >= 15, JSON.stringify(report.faults))
  const plan = buildPlan(pipelinesOf(called), { name: 'p', repartition: false })
  const names = throwingSteps(plan.parts.flatMap((part) => part.steps))
  assert.deepEqual([...names], ['few.map', 'few.map-async'])
})
