/** Steps that call something outside, run on a log: commits, crashes, stops. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { json } from '../core/codec.ts'
import { isCode } from '../core/error.ts'
import { seededRandom } from '../core/random.ts'
import { faultyLog, seededFaults } from '../log/log.faulty.ts'
import type { Fault } from '../log/log.faulty.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { sum } from '../pipeline/aggregators/sum.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { tumbling } from '../pipeline/window.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import type { ProbeRecord } from './conformance/engine-probe.ts'

interface Row {
  readonly k: string
  readonly v: number
}
const rows = topic('in', { codec: json<Row>(), key: (row) => row.k, time: (row) => row.v })
const out = topic('out')

const given = (count: number, first = 0): ProbeRecord[] =>
  Array.from({ length: count }, (_, i) => {
    const v = first + i
    return { key: 'a', value: { k: 'a', v } }
  })
const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => systemClock.after(ms, resolve))

async function open() {
  const log = openMemoryLog()
  await log.createTopic('in')
  return log
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, v) => String(v))

test('calls go on at full width while results come; commits are few', async () => {
  const log = await open()
  const counted = { now: 0, most: 0 }
  await give(log, 'in', given(300))
  const startedMs = systemClock.monotonic()
  const slow = async ({ v }: Row): Promise<number> => {
    counted.now += 1
    counted.most = Math.max(counted.most, counted.now)
    await pause(5)
    counted.now -= 1
    return v
  }
  const { run } = await start(log, from(rows).mapAsync(slow, { concurrency: 10 }).to(out))
  await until('all results', async () => (await texts(log, 'out')).length === 300)
  const tookMs = systemClock.monotonic() - startedMs
  assert.equal(counted.most, 10)
  assert.deepEqual(await texts(log, 'out'), numbers(300))
  const commits = run.status()[0]?.counters.commits ?? 0
  assert.ok(commits <= 3 + tookMs / 50, `${commits} commits in ${tookMs} ms`)
  // One at a time it would be 1.5 s at least.
  assert.ok(tookMs < 1400, `${tookMs} ms`)
  await run.stop()
})

test('an idle pipeline answers as soon as the call does', async () => {
  const log = await open()
  const { run } = await start(
    log,
    from(rows)
      .mapAsync(async ({ v }) => v)
      .to(out),
    {
      commitEveryMs: 60_000,
    },
  )
  for (let v = 0; v < 5; v++) {
    await give(log, 'in', given(1, v))
    await until(`result ${v}`, async () => (await texts(log, 'out')).length === v + 1)
  }
  await run.stop()
  assert.deepEqual(await texts(log, 'out'), numbers(5))
})

test('a commit waits for the calls under way, and takes no further records meanwhile', async () => {
  const log = await open()
  const answers: (() => void)[] = []
  const held = ({ v }: Row): Promise<number> =>
    new Promise((resolve) => answers.push(() => resolve(v)))
  const { run } = await start(log, from(rows).mapAsync(held, { concurrency: 2 }).to(out), {
    commitEveryMs: 0,
  })
  await give(log, 'in', given(4))
  await until('two calls', () => answers.length === 2)
  answers[0]?.()
  await pause(30) // a third call would begin
  assert.equal(answers.length, 2)
  assert.deepEqual(await texts(log, 'out'), [])
  answers[1]?.()
  await until('the next two', () => answers.length === 4)
  assert.deepEqual(await texts(log, 'out'), ['0', '1'])
  for (const answer of answers) answer()
  await until('the rest', async () => (await texts(log, 'out')).length === 4)
  await run.stop()
})

test('while no further call can be made the task sleeps, whatever lies in its topic', async () => {
  const log = await open()
  let looks = 0
  const now = (): number => {
    looks += 1
    return systemClock.now()
  }
  const answers: (() => void)[] = []
  const held = ({ v }: Row): Promise<number> =>
    new Promise((resolve) => answers.push(() => resolve(v)))
  const { run } = await start(log, from(rows).mapAsync(held, { concurrency: 1 }).to(out), {
    clock: { ...systemClock, now },
    commitEveryMs: 60_000,
  })
  for (let v = 0; v < 5; v++) await give(log, 'in', given(1, v))
  await until('a call', () => answers.length === 1)
  await pause(20)
  const before = looks
  await pause(50)
  assert.ok(looks - before < 5, `${looks - before} looks at the clock`)
  for (let v = 0; v < 5; v++) {
    await until(`call ${v}`, () => answers.length === v + 1)
    answers[v]?.()
  }
  await until('all results', async () => (await texts(log, 'out')).length === 5)
  await run.stop()
})

test('random faults of the log with calls under way: nothing lost, nothing twice', async () => {
  let retries = 0
  // Faults come with commits, and on a busy machine there are fewer: then there are more rounds.
  for (let seed = 1; seed <= 3 || (retries <= 3 && seed <= 20); seed++) {
    const inner = await open()
    const plan = seededFaults(seed, { percent: 40, delayMsMax: 3 })
    let commits = 0
    const next = (write: 'append' | 'commit'): Fault | null => {
      const fault = plan.next(write)
      return fault?.kind === 'fenced' || commits++ === 0 ? null : fault
    }
    const log = faultyLog(inner, { next })
    const random = seededRandom(seed)
    const slow = async (row: Row): Promise<Row> => {
      await pause(random.int(4))
      if (random.int(10) === 0) throw new Error('for once')
      return row
    }
    const totals = from(rows)
      .mapAsync(slow, { concurrency: 4, retries: 20, backoff: '1ms' })
      .window(tumbling('10ms'))
      .aggregate({ total: sum((row) => row.v) })
      .map(({ window, total }) => [window.start, total])
    const { run, events } = await start(log, totals.to(out), { attemptsMax: 100, commitEveryMs: 5 })
    for (let v = 0; v < 200; v += 10) {
      await give(inner, 'in', given(10, v))
      await pause(8)
    }
    await until('all results', async () => (await texts(inner, 'out')).length >= 19)
    await run.stop().catch(() => {})
    const expected = Array.from({ length: 19 }, (_, i) => `[${i * 10},${i * 100 + 45}]`)
    assert.deepEqual(await texts(inner, 'out'), expected, `seed ${seed}`)
    retries += events.filter(({ kind }) => kind === 'retrying').length
    assert.deepEqual(log.violations, [])
  }
  assert.ok(retries > 3, `${retries} faults were met`)
})

test('O1 one task, or several with records that change partitions: same results', async () => {
  const slow = async (row: Row): Promise<Row> => {
    await pause(row.v % 3)
    return row
  }
  const wide = topic('wide', { codec: json<Row>(), key: (row) => row.k, time: (row) => row.v })
  const totals = from(wide)
    .mapAsync(slow, { concurrency: 3 })
    .keyBy(({ v }) => v % 5)
    .window(tumbling('10ms'))
    .aggregate({ total: sum((row) => row.v) })
    .mapAsync(async ({ key, window, total }) => `${key} ${window.start} ${total}`)
  const results: string[][] = []
  for (const tasks of ['one', 'per-partition'] as const) {
    const log = openMemoryLog()
    await log.createTopic('wide', { partitions: 3 })
    const records = Array.from({ length: 100 }, (_, v) => {
      return { key: `k${v % 7}`, value: { k: `k${v % 7}`, v } }
    })
    await give(log, 'wide', records)
    const { run } = await start(log, totals.to(out), { tasks, commitEveryMs: 10 })
    // The last windows close where all partitions are past them.
    const ends = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6']
    await give(
      log,
      'wide',
      ends.map((k) => ({ key: k, value: { k, v: 1000 } })),
    )
    await until(`${tasks}: all results`, async () => (await texts(log, 'out')).length >= 50)
    await run.stop()
    results.push((await texts(log, 'out')).toSorted())
  }
  assert.equal(results[0]?.length, 50)
  assert.deepEqual(results[1], results[0])
})

test('taken over with calls under way: they are told to stop, and touch nothing', async () => {
  const log = await open()
  const signals: AbortSignal[] = []
  const answers: (() => void)[] = []
  const held = ({ v }: Row, info: { signal: AbortSignal }): Promise<number> => {
    signals.push(info.signal)
    return new Promise((resolve, reject) =>
      answers.push(() => (v === 0 ? resolve(v) : reject(new Error('too late')))),
    )
  }
  const { run } = await start(log, from(rows).mapAsync(held).to(out))
  await give(log, 'in', given(2))
  await until('two calls', () => signals.length === 2)
  const second = await start(
    log,
    from(rows)
      .mapAsync(async ({ v }) => v)
      .to(out),
    {
      takeOver: true,
    },
  )
  await until('the second has both', async () => (await texts(log, 'out')).length === 2)
  for (const answer of answers) answer()
  await assert.rejects(run.done, (thrown) => isCode(thrown, 'task-fenced'))
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  )
  await give(log, 'in', given(1, 2))
  await until('the next', async () => (await texts(log, 'out')).length === 3)
  await second.run.stop()
  assert.deepEqual(await texts(log, 'out'), numbers(3))
})

test('stop waits for the calls under way and commits what they gave', async () => {
  const log = await open()
  const answers: (() => void)[] = []
  const held = ({ v }: Row): Promise<number> =>
    new Promise((resolve) => answers.push(() => resolve(v)))
  const { run } = await start(log, from(rows).mapAsync(held).to(out))
  await give(log, 'in', given(3))
  await until('three calls', () => answers.length === 3)
  const stopped = run.stop()
  for (const answer of answers) {
    await pause(2)
    answer()
  }
  await stopped
  await run.done
  assert.deepEqual(await texts(log, 'out'), numbers(3))
})

test('stop does not wait for ever: the next run does what was under way', async () => {
  const log = await open()
  let nowMs = 0
  // Ten seconds pass at the first look at the clock after the stop.
  let isStopping = false
  const clock = {
    ...systemClock,
    monotonic: () => (isStopping ? (nowMs += 6_000) : systemClock.monotonic()),
    after: (ms: number, run: () => void) => systemClock.after(Math.min(ms, 5), run),
  }
  const stuck = from(rows).mapAsync(() => new Promise(() => {}), { timeout: 'forever' })
  const { run, events } = await start(log, stuck.to(out), { clock })
  await give(log, 'in', given(2))
  await until('they are taken', () => run.status()[0]?.counters.recordsIn === 2)
  isStopping = true
  nowMs = systemClock.monotonic()
  await run.stop()
  await run.done
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'results-dropped'),
    [{ kind: 'results-dropped', task: 'main/all', pending: 2 }],
  )
  assert.deepEqual(await texts(log, 'out'), [])
  const next = await start(
    log,
    from(rows)
      .mapAsync(async ({ v }) => v)
      .to(out),
  )
  await until('both', async () => (await texts(log, 'out')).length === 2)
  await next.run.stop()
  assert.deepEqual(await texts(log, 'out'), numbers(2))
})
