import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'
import type { CommitBatch, Log, Session, TaskSpec } from '../log/log.ts'
import { faultyLog, scriptedFaults, seededFaults } from '../log/log.faulty.ts'
import type { Fault } from '../log/log.faulty.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { sum } from '../pipeline/aggregators/sum.ts'
import { from } from '../pipeline/from.ts'
import { topic } from '../pipeline/topic.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import type { TaskEvent } from './task-event.ts'

const numbers = topic('in', { key: (r) => (r as { k: string }).k })
const totals = (out = 'out') =>
  from(numbers)
    .aggregate({ n: count(), total: sum((r) => (r as { v: number }).v) })
    .to(topic(out))

const record = (v: number) => ({ key: 'a', value: { k: 'a', v } })

/** What the totals must be after `n` records 0, 1, …: each once, none lost. */
const expected = (n: number): string[] =>
  Array.from({ length: n }, (_, i) => `{"key":"a","n":${i + 1},"total":${(i * (i + 1)) / 2}}`)

/** A memory log with topic `in`, whose commits of tasks (not of the guard) meet faults. */
async function open(faults: readonly (Fault | null)[]) {
  const inner = openMemoryLog()
  await inner.createTopic('in')
  const log = faultyLog(inner, scriptedFaults([null, ...faults])) // the first commit is the guard's
  return { inner, log }
}

function retries(events: readonly { kind: string }[]): TaskEvent[] {
  return (events as TaskEvent[]).filter(({ kind }) => kind === 'retrying')
}

for (const [title, fault] of [
  ['is not applied', { kind: 'fails', code: 'log-failed' }],
  ['is not applied, the log being busy', { kind: 'fails', code: 'log-busy' }],
  ['is applied, but nobody knows', { kind: 'unknown', effect: 'applied' }],
  ['is not applied, but nobody knows', { kind: 'unknown', effect: 'not-applied' }],
] as const) {
  test(`a commit that ${title}: restored, nothing lost, nothing twice`, async () => {
    const { log, inner } = await open([null, fault, null, fault])
    const { run, events } = await start(log, totals())
    for (let i = 0; i < 6; i++) {
      await give(inner, 'in', [record(i)])
      await until(`${i + 1} results`, async () => (await texts(inner, 'out')).length === i + 1)
    }
    await run.stop()
    await run.done
    assert.deepEqual(await texts(inner, 'out'), expected(6))
    assert.equal(log.met.length, 2)
    assert.equal(retries(events).length, 2)
    assert.equal(events.filter(({ kind }) => kind === 'restored').length, 3)
    assert.deepEqual(log.violations, [])
  })
}

test('random faults of the log, many records: as if there had been none', async () => {
  for (const seed of [1, 2, 3]) {
    const inner = openMemoryLog()
    await inner.createTopic('in')
    const plan = seededFaults(seed, { percent: 25, delayMsMax: 3 })
    // Being fenced ends a run for good: that has a test of its own.
    const next = (write: 'append' | 'commit'): Fault | null => {
      const fault = plan.next(write)
      return fault?.kind === 'fenced' || commits++ === 0 ? null : fault
    }
    let commits = 0
    const log = faultyLog(inner, { next })
    const { run } = await start(log, totals(), { attemptsMax: 100 })
    for (let i = 0; i < 60; i += 3)
      await give(inner, 'in', [record(i), record(i + 1), record(i + 2)])
    await until('all results', async () => (await texts(inner, 'out')).length >= 60)
    await run.stop().catch(() => {})
    assert.deepEqual(await texts(inner, 'out'), expected(60), `seed ${seed}`)
    assert.deepEqual(log.violations, [])
  }
})

test('a full disk is tried again with growing pauses, then the run ends with it', async () => {
  const fault: Fault = { kind: 'fails', code: 'disk-full' }
  const { log, inner } = await open([fault, fault, fault, fault])
  const { run, events } = await start(log, totals(), { attemptsMax: 3 })
  await give(inner, 'in', [record(0)])
  await assert.rejects(run.done, (thrown) => isCode(thrown, 'disk-full'))
  const pauses = retries(events).map((event) => (event.kind === 'retrying' ? event.inMs : 0))
  assert.deepEqual(pauses, [50, 100])
  assert.deepEqual(await texts(inner, 'out'), [])
  // With room again, a new run goes on as if nothing had been.
  const again = await start(inner, totals())
  await until('the result', async () => (await texts(inner, 'out')).length === 1)
  await again.run.stop()
  assert.deepEqual(await texts(inner, 'out'), expected(1))
})

test('a commit in between starts the count of failures anew', async () => {
  const fault: Fault = { kind: 'fails', code: 'disk-full' }
  const { log, inner } = await open([fault, null, fault, null, fault, null])
  const { run } = await start(log, totals(), { attemptsMax: 2 })
  for (let i = 0; i < 3; i++) {
    await give(inner, 'in', [record(i)])
    await until(`${i + 1} results`, async () => (await texts(inner, 'out')).length === i + 1)
  }
  await run.stop()
  await run.done
  assert.deepEqual(await texts(inner, 'out'), expected(3))
})

test('fenced at a commit: the run ends with task-fenced and does not try again', async () => {
  const { log, inner } = await open([null, { kind: 'fenced' }])
  const { run, events } = await start(log, totals())
  await give(inner, 'in', [record(0)])
  await until('a result', async () => (await texts(inner, 'out')).length === 1)
  await give(inner, 'in', [record(1)])
  await assert.rejects(run.done, (thrown) => isCode(thrown, 'task-fenced'))
  assert.deepEqual(retries(events), [])
  assert.deepEqual(await texts(inner, 'out'), expected(1))
  await run.stop() // harmless now
})

test('fenced while waiting: the run ends with task-fenced', async () => {
  const { inner } = await open([])
  const { run } = await start(inner, totals())
  await until('the task waits', () => run.status().length === 1)
  const thief = await inner.open({ pipeline: 'p', task: 'main/all', inputs: [], startAt: [] })
  await assert.rejects(run.done, (thrown) => isCode(thrown, 'task-fenced'))
  await thief.close()
})

test('stop commits what is in hand and shows what people wait for', async () => {
  const { inner } = await open([])
  const { run, printed } = await start(inner, from(numbers).print({ every: '1h' }))
  await give(inner, 'in', [record(1)])
  await until('it is taken', () => run.status()[0]?.counters.recordsIn === 1)
  await run.stop()
  await run.done
  assert.match(printed.join(''), /Time: [\s\S]*\{"k":"a","v":1\}/)
  const [group] = await inner.groups()
  assert.deepEqual(
    group?.offsets.map(({ offset }) => offset),
    [1],
  )
})

/** A log that tells each commit, and answers it when it is told to. */
function steppedLog(inner: Log) {
  const commits: CommitBatch[] = []
  const answers: (() => void)[] = []
  const open = async (spec: TaskSpec): Promise<Session> => {
    const session = await inner.open(spec)
    if (spec.task.startsWith('#')) return session
    const commit = async (batch: CommitBatch) => {
      commits.push(batch)
      await new Promise<void>((resolve) => answers.push(resolve))
      return session.commit(batch)
    }
    return new Proxy(session, {
      get: (target, name) => {
        if (name === 'commit') return commit
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  const log = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'open') return open
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { log, commits, answers }
}

test('commits are adaptive: one in flight, what comes meanwhile goes into the next', async () => {
  const { inner } = await open([])
  const { log, commits, answers } = steppedLog(inner)
  const { run } = await start(log, totals())
  await give(inner, 'in', [record(0)])
  await until('the first commit', () => commits.length === 1)
  for (let i = 1; i < 5; i++) {
    await give(inner, 'in', [record(i)])
    await until(`record ${i} is processed`, () => run.status()[0]?.counters.recordsIn === i + 1)
  }
  assert.equal(commits.length, 1) // processed, but the first is still in flight
  answers[0]?.()
  await until('the second commit', () => commits.length === 2)
  assert.deepEqual(
    commits.map(({ offsets }) => offsets),
    [[1], [5]],
  )
  answers[1]?.()
  await until('it is down', async () => (await texts(inner, 'out')).length === 5)
  await run.stop()
  assert.equal(commits.length, 2) // nothing was left
  assert.deepEqual(await texts(inner, 'out'), expected(5))
})

test('what is produced while a commit is in flight is bounded', async () => {
  const { inner } = await open([])
  const { log, commits, answers } = steppedLog(inner)
  const text = 'x'.repeat(10_000)
  const pipeline = from(numbers)
    .map((r) => ({ ...(r as object), text }))
    .to(topic('out'))
  const limit = 2 << 20
  const { run } = await start(log, pipeline, { pendingBytesMax: limit })
  await give(inner, 'in', [record(0)])
  await until('the first commit', () => commits.length === 1)
  const many = 4000
  await give(
    inner,
    'in',
    Array.from({ length: many }, (_, i) => record(i + 1)),
  )
  const recordsIn = (): number => run.status()[0]?.counters.recordsIn ?? 0
  await until('as much as is allowed', () => recordsIn() * text.length > limit)
  for (let turn = 0; turn < 100; turn++) await systemClock.nextTurn()
  // The limit, the slice that passes it, and the block that is not full yet.
  const most = Math.ceil(limit / text.length) + 2 * 512
  assert.ok(recordsIn() <= most, `${recordsIn()} records of ${text.length} bytes, ${most} allowed`)
  let isOver = false
  void run.stop().then(() => (isOver = true))
  await until('the end', () => {
    for (const answer of answers.splice(0)) answer()
    return isOver
  })
  assert.equal((await texts(inner, 'out')).length, recordsIn())
})

test('from the latest: what comes after the start survives failing commits', async () => {
  const fault: Fault = { kind: 'fails', code: 'disk-full' }
  const { log, inner } = await open([null, fault, fault])
  await give(inner, 'in', [record(100)])
  const { run } = await start(log, totals(), { startAt: 'latest' })
  await until('the task waits', async () => ((await inner.groups())[0]?.offsets.length ?? 0) > 0)
  for (let i = 0; i < 3; i++) await give(inner, 'in', [record(i)])
  await until('all results', async () => (await texts(inner, 'out')).length === 3)
  await run.stop()
  await run.done
  assert.equal(log.met.length, 2)
  assert.deepEqual(await texts(inner, 'out'), expected(3))
})

test('stop during the pause after a failure, and after the end, is harmless', async () => {
  const fault: Fault = { kind: 'fails', code: 'disk-full' }
  const { log, inner } = await open([fault])
  const { run, events } = await start(log, totals())
  await give(inner, 'in', [record(0)])
  await until('it pauses', () => retries(events).length === 1)
  await run.stop()
  await run.done
  await run.stop()
  assert.deepEqual(
    run.status().map(({ inputs }) => inputs.map(({ lag }) => lag)),
    [[0]],
  )
  assert.deepEqual(await texts(inner, 'out'), [])
})
