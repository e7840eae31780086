import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { systemRandom, seededRandom } from '../../core/random.ts'
import { isCode, type MillraceError } from '../../core/error.ts'
import { count, from, json, sameWindow, topic, tumbling } from '../../index.ts'
import { faultKinds } from './fault.ts'
import { inputOf, type SimulatedRecord } from './simulation-input.ts'
import { simulate } from './simulate.ts'

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
}
const orders = topic('orders', spec)
const payments = topic('payments', spec)
const joined = topic('joined')

/** In disorder within the bound, and now and then beyond it. */
function events(
  seed: number,
  length: number,
  late: 'some late' | 'none late' = 'some late',
): Event[] {
  const random = seededRandom(seed)
  return Array.from({ length }, (_, i) => ({
    id: `k${random.int(5)}`,
    n: i,
    at: 10_000 + i * 300 - random.int(late === 'some late' && random.int(10) === 0 ? 8_000 : 2_000),
  }))
}

function joinInput(length: number): SimulatedRecord[] {
  return [...inputOf(orders, events(1, length)), ...inputOf(payments, events(2, length))]
}

const join = () =>
  from(orders)
    .join(from(payments), sameWindow(tumbling('10s')))
    .to(joined)

test('a windowed join gives the same under faults of every kind', async () => {
  const before = process.cpuUsage()
  const report = await simulate(join(), { input: joinInput(100), seeds: 100 })
  const { user, system } = process.cpuUsage(before)
  const ms = (user + system) / 1000
  assert.equal(report.runs, 100)
  for (const kind of faultKinds) {
    // One task cannot be shared, and the plan has no function that could throw;
    // it reads two topics.
    const isNone = ['hand-over', 'throws', 'growing-input'].includes(kind)
    const isEnough = isNone || report.faults[kind] >= 10
    assert.ok(isEnough, JSON.stringify(report))
  }
  assert.ok(ms < 5_000, `${ms} ms of CPU time`)
})

async function refusal(work: Promise<unknown>): Promise<MillraceError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  )
  assert.ok(isCode(thrown, 'not-deterministic') || isCode(thrown, 'simulation-failed'), `${thrown}`)
  return thrown
}

const wide = topic('wide', { ...spec, partitions: 3 })

test('several partitions, one task or many, with another key behind a repartition', async () => {
  const pipeline = from(wide)
    .keyBy((event) => `g${event.n % 4}`)
    .window(tumbling('5s'))
    .aggregate({ n: count() })
    .to(topic('groups'))
  const input = inputOf(wide, events(3, 120, 'none late'))
  for (const tasks of ['one', 'per-partition'] as const) {
    const report = await simulate(pipeline, { input, seeds: 30, tasks })
    assert.ok(report.faults.crash >= 10, JSON.stringify(report))
  }
})

test('a step that asks chance is named', async () => {
  const pipeline = from(orders)
    .filter((event) => event.n >= 0)
    .map((event) => ({ ...event, lot: systemRandom.int(1_000_000) }))
    .named('draw')
    .filter((event) => event.lot % 2 === 0)
    .to(joined)
  const error = await refusal(simulate(pipeline, { input: inputOf(orders, events(1, 10)) }))
  assert.equal(error.code, 'not-deterministic')
  assert.equal(error.at.step, 'draw')
})

test('a step that reads the machine clock is named', async () => {
  const pipeline = from(orders)
    .map((event) => ({ ...event, seenAt: systemClock.now() }))
    .named('stamp')
    .to(joined)
  const error = await refusal(simulate(pipeline, { input: inputOf(orders, events(1, 10)) }))
  assert.equal(error.code, 'not-deterministic')
  assert.equal(error.at.step, 'stamp')
})

test('processes share the tasks, come and go: the same results', async () => {
  const input = joinInput(100)
  const report = await simulate(join(), { input, seeds: 40, tasks: 'per-partition' })
  assert.ok(report.faults['hand-over'] >= 20, JSON.stringify(report))
})

test('what a process keeps in a variable is lost when a task moves', async () => {
  const counting = () => {
    let n = 0
    return from(orders)
      .map(({ id }) => ({ id, n: (n += 1) }))
      .to(joined)
  }
  const input = inputOf(orders, events(1, 60))
  const faults = ['hand-over', 'small-reads'] as const
  const moved = simulate(counting, { input, seeds: 20, faults, tasks: 'per-partition' })
  const { message } = await refusal(moved)
  assert.match(message, /a process (joins|leaves) at commit \d/)
  assert.match(message, /process 1 is (to give up main|asked to leave)/)
})

test('what a function keeps in a variable is lost in a crash: told with a small case', async () => {
  const counting = () => {
    const seen = new Map<string, number>()
    return from(orders)
      .map(({ id }) => {
        const n = (seen.get(id) ?? 0) + 1
        seen.set(id, n)
        return { id, n }
      })
      .to(joined)
  }
  const input = inputOf(orders, events(1, 60))
  const faults = ['crash', 'small-reads'] as const
  // Time enough also where others use the processors.
  const shrinkFor = '1m'
  const error = await refusal(simulate(counting, { input, seeds: 50, faults, shrinkFor }))
  assert.equal(error.code, 'simulation-failed')
  assert.match(error.message, /^seed \d+: .*joined, key /)
  assert.match(error.message, /input \([2-4] records\)/)
  assert.match(error.message, /process 2 starts/)
  const seed = Number(/seed (\d+)/.exec(error.message)?.[1])
  const again = await refusal(simulate(counting, { input, seeds: [seed], faults, shrinkFor }))
  assert.equal(again.message, error.message)
})

test('a zombie whose last commit fails has ended as it may', async () => {
  const report = await simulate(join(), {
    input: joinInput(20),
    seeds: 300,
    faults: ['pause', 'answer-lost', 'commit-fails'],
  })
  assert.ok(report.faults.pause > 100, JSON.stringify(report))
})

test('records of further waves come when the clock has gone on', async () => {
  const counted = async (wave: (event: Event) => number): Promise<number[]> => {
    const seen = new Set<number>()
    const counts = from(orders)
      .map(({ n }) => n)
      .keyBy(() => 'all')
      .window(tumbling('5s', { time: 'processing' }))
      .aggregate({ n: count() })
      .forEach(({ n }) => void seen.add(n))
    const input = inputOf(orders, events(1, 10), (event) => ({ wave: wave(event) }))
    const faults = faultKinds.filter((kind) => kind !== 'throws')
    await simulate(counts, { input, seeds: 20, betweenWaves: '10s', faults })
    return [...seen].toSorted((a, b) => a - b)
  }
  assert.deepEqual(await counted(() => 0), [10])
  assert.deepEqual(await counted(({ n }) => (n < 7 ? 0 : 1)), [3, 7])
})

test('what lies in the log first is left out', async () => {
  const seen: number[] = []
  const pipeline = from(orders).forEach(({ n }) => void seen.push(n))
  const input = inputOf(orders, events(1, 10), ({ n }) => ({ wave: n < 7 ? 0 : 1 }))
  await simulate(pipeline, { input, seeds: 20, startAt: 'latest' })
  assert.deepEqual(
    [...new Set(seen)].toSorted((a, b) => a - b),
    [7, 8, 9],
  )
})

test('a record that the pipeline does not read is refused', async () => {
  const input = inputOf(wide, events(1, 3))
  await assert.rejects(simulate(join(), { input }), { code: 'unknown-topic' })
  const far = inputOf(orders, events(1, 3), () => ({ partition: 7 }))
  await assert.rejects(simulate(join(), { input: far }), { code: 'unknown-partition' })
})
