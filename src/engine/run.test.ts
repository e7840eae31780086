import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { CommitBatch, Log, Session, TaskSpec } from '../log/log.ts'
import { faultyLog, seededFaults } from '../log/log.faulty.ts'
import type { Fault } from '../log/log.faulty.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { max } from '../pipeline/aggregators/extreme.ts'
import { sum } from '../pipeline/aggregators/sum.ts'
import { from } from '../pipeline/from.ts'
import { pipeline } from '../pipeline/pipeline.ts'
import { topic } from '../pipeline/topic.ts'
import { tumbling } from '../pipeline/window.ts'
import { give, start, texts, textsByPartition, until } from './conformance/engine-probe.ts'

interface Value {
  readonly k: string
  readonly g: string
  readonly t: number
}

const settings = {
  key: (r: unknown) => (r as Value).k,
  time: (r: unknown) => (r as Value).t,
  idleAfter: '30ms' as const,
}

/** Windows of 10 ms over another key than the topic's. */
function regrouped(
  idle: 'advance' | 'wait' = 'advance',
  idleAfter: `${number}ms` = settings.idleAfter,
) {
  return from(topic('in', { ...settings, idle, idleAfter }))
    .keyBy((r) => (r as Value).g)
    .window(tumbling('10ms'))
    .aggregate({
      n: count(),
      total: sum((r) => (r as Value).t),
      top: max((r) => (r as Value).k),
    })
    .to(topic('out'))
}

function naive(values: readonly Value[]): string[] {
  const groups = Map.groupBy(values, ({ g, t }) => `${g} ${Math.floor(t / 10) * 10}`)
  return [...groups.values()]
    .map((group) => {
      const [{ g: key, t }] = group as [Value]
      const start = Math.floor(t / 10) * 10
      const total = group.reduce((soFar, value) => soFar + value.t, 0)
      const top = group
        .map(({ k }) => k)
        .toSorted()
        .at(-1)
      return JSON.stringify({
        key,
        window: { start, end: start + 10 },
        n: group.length,
        total,
        top,
      })
    })
    .toSorted()
}

async function results(log: Log): Promise<string[]> {
  return (await texts(log, 'out')).toSorted()
}

const value = fc.record({
  k: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  g: fc.constantFrom('x', 'y', ''),
  t: fc.integer({ min: -30, max: 60 }),
})

test('O1 one task, or one for each partition and a repartition topic: same results', async () => {
  const input = fc.array(value, { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(input, fc.integer({ min: 1, max: 4 }), async (given, partitions) => {
      const values = given.toSorted((a, b) => a.t - b.t)
      for (const tasks of ['one', 'per-partition'] as const) {
        const log = openMemoryLog()
        await log.createTopic('in', { partitions })
        const { run } = await start(log, regrouped(), { tasks })
        const half = values.length >> 1
        for (const some of [values.slice(0, half), values.slice(half)]) {
          await give(
            log,
            'in',
            some.map((each) => ({ key: each.k, value: each })),
          )
        }
        const expected = naive(values)
        await until('all results', async () => (await texts(log, 'out')).length >= expected.length)
        await run.stop()
        await run.done
        assert.deepEqual(await results(log), expected, tasks)
        assert.deepEqual(await texts(log, 'in.late'), [])
        for (const [p, all] of (await textsByPartition(log, 'out')).entries()) {
          const key = (text: string): string => (JSON.parse(text) as { key: string }).key
          const others = (await textsByPartition(log, 'out')).filter((_texts, other) => other !== p)
          const keys = new Set(all.map(key))
          // A key lies in one partition.
          assert.ok(others.flat().every((text) => !keys.has(key(text))))
        }
      }
    }),
    { numRuns: 12, endOnFailure: true },
  )
})

/** Commits of tasks for which `isBad` says so fail, the first time. */
function failingOnce(inner: Log, isBad: (spec: TaskSpec, commit: CommitBatch) => boolean): Log {
  let hasFailed = false
  const open = async (spec: TaskSpec): Promise<Session> => {
    const session = await inner.open(spec)
    const { commit } = session
    session.commit = async (batch) => {
      if (hasFailed || !isBad(spec, batch)) return commit.call(session, batch)
      hasFailed = true
      throw new MillraceError('log-failed', 'it was made to fail')
    }
    return session
  }
  return new Proxy(inner, {
    get: (target, name) => {
      if (name === 'open') return open
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

test('a task started anew behind a repartition topic knows that others are idle', async () => {
  const inner = openMemoryLog()
  await inner.createTopic('in', { partitions: 2 })
  const log = failingOnce(inner, (_spec, { appends }) =>
    appends.some(({ topic }) => topic === 'out'),
  )
  const { run, events } = await start(log, regrouped(), { tasks: 'per-partition' })
  await give(inner, 'in', [{ key: 'a', value: { k: 'a', g: 'x', t: 5 } }])
  await until('the result', async () => (await texts(inner, 'out')).length === 1)
  await run.stop()
  await run.done
  assert.equal(events.filter(({ kind }) => kind === 'retrying').length, 1)
  assert.deepEqual(await results(inner), naive([{ k: 'a', g: 'x', t: 5 }]))
})

test('a window before a repartition topic holds back those behind until it closes', async () => {
  const source = topic('in', { ...settings, idleAfter: '20ms' })
  const nested = from(source)
    .window(tumbling('200ms'))
    .aggregate({ n: count() })
    .keyBy(() => 'all')
    .window(tumbling('400ms'))
    .aggregate({ keys: count() })
    .to(topic('out'))
  const slow = 'abcefg'.split('').find((k) => partitionOfText(k, 2) !== partitionOfText('d', 2))
  assert.ok(slow !== undefined)
  for (const tasks of ['one', 'per-partition'] as const) {
    const log = openMemoryLog()
    await log.createTopic('in', { partitions: 2 })
    const { run } = await start(log, nested, { tasks })
    await give(log, 'in', [{ key: slow, value: { k: slow, g: '', t: 5 } }])
    await until('it is idle', () => run.status().every(({ inputs }) => inputs[0]?.idle === true))
    await give(log, 'in', [{ key: 'd', value: { k: 'd', g: '', t: 5000 } }])
    await until('a result', async () => (await texts(log, 'out')).length > 0)
    await run.stop()
    await run.done
    assert.deepEqual(await texts(log, 'in.late'), [], tasks)
    assert.equal(
      (await texts(log, 'out'))[0],
      '{"key":"all","window":{"start":0,"end":400},"keys":1}',
    )
  }
})

test('O1 tasks per partition under random faults of the log: the same results', async () => {
  const values = Array.from({ length: 80 }, (_, i) => {
    return { k: 'abcde'[i % 5] ?? '', g: 'xy'[i % 2] ?? '', t: i }
  })
  for (const seed of [1, 2, 3, 4]) {
    const inner = openMemoryLog()
    await inner.createTopic('in', { partitions: 3 })
    const plan = seededFaults(seed, { percent: 15, delayMsMax: 3 })
    let commits = 0
    const next = (write: 'append' | 'commit'): Fault | null => {
      const fault = plan.next(write)
      // The guard's commit comes first; being fenced ends a run for good.
      return commits++ === 0 || fault?.kind === 'fenced' ? null : fault
    }
    const log = faultyLog(inner, { next })
    // Longer than a busy machine keeps it from the next records: they would be late.
    const pipeline = regrouped('advance', '500ms')
    const { run } = await start(log, pipeline, { tasks: 'per-partition', attemptsMax: 100 })
    for (let at = 0; at < 80; at += 16) {
      const some = values.slice(at, at + 16)
      await give(
        inner,
        'in',
        some.map((each) => ({ key: each.k, value: each })),
      )
    }
    const expected = naive(values)
    await until('all results', async () => (await texts(inner, 'out')).length >= expected.length)
    await run.stop()
    assert.deepEqual(await results(inner), expected, `seed ${seed}`)
    assert.deepEqual(log.violations, [])
  }
})

test('`idle: wait` holds event time also behind a repartition topic', async () => {
  for (const tasks of ['one', 'per-partition'] as const) {
    const log = openMemoryLog()
    await log.createTopic('in', { partitions: 2 })
    const { run } = await start(log, regrouped('wait'), { tasks })
    await give(log, 'in', [{ key: 'a', value: { k: 'a', g: 'x', t: 5 } }])
    await until('all inputs are idle', () => {
      return run.status().every(({ inputs }) => inputs.every(({ idle }) => idle))
    })
    const endMs = systemClock.monotonic() + 60 // six windows long
    await until('time has gone on', () => systemClock.monotonic() > endMs)
    await run.stop()
    await run.done
    assert.deepEqual(await texts(log, 'out'), [], tasks)
  }
})

test('O3 stopped and started again: windows, event time, repartition topic go on', async () => {
  for (const tasks of ['one', 'per-partition'] as const) {
    const log = openMemoryLog()
    await log.createTopic('in', { partitions: 2 })
    const values = Array.from({ length: 60 }, (_, i) => ({
      k: 'abcde'[i % 5] ?? '',
      g: 'xy'[i % 2] ?? '',
      t: i,
    }))
    for (let at = 0; at < 60; at += 12) {
      const { run } = await start(log, regrouped(), { tasks })
      await give(
        log,
        'in',
        values.slice(at, at + 12).map((each) => ({ key: each.k, value: each })),
      )
      await until('it is committed', async () => {
        const offsets = (await log.groups())[0]?.offsets.filter(({ topic }) => topic === 'in') ?? []
        return offsets.reduce((total, { offset }) => total + offset, 0) === at + 12
      })
      if (at === 48) await until('all', async () => (await texts(log, 'out')).length >= 12)
      await run.stop()
      await run.done
    }
    assert.deepEqual(await results(log), naive(values), tasks)
  }
})

const copy = (name: string, source: string, sink: string) =>
  pipeline(name, from(topic(source)).to(topic(sink)))

test('several pipelines in one run: each under its name, those without one together', async () => {
  const log = openMemoryLog()
  await log.createTopic('a')
  await log.createTopic('b')
  const both = [copy('one', 'a', 'a2'), copy('two', 'b', 'b2'), from(topic('a')).to(topic('a3'))]
  const { run, events } = await start(log, both)
  await give(log, 'a', [{ key: null, value: 1 }])
  await give(log, 'b', [{ key: null, value: 2 }])
  for (const [name, expected] of [
    ['a2', '1'],
    ['b2', '2'],
    ['a3', '1'],
  ] as const) {
    await until(name, async () => (await texts(log, name)).length === 1)
    assert.deepEqual(await texts(log, name), [expected])
  }
  const started = events.filter(({ kind }) => kind === 'started')
  assert.deepEqual(
    started.map((event) => (event.kind === 'started' ? event.pipeline : '')),
    ['one', 'two', 'p'],
  )
  assert.deepEqual(
    run
      .status()
      .map(({ pipeline: name, task }) => `${name}:${task}`)
      .toSorted(),
    ['one:main/all', 'p:main/all', 'two:main/all'],
  )
  await run.stop()
  await run.done
})

test('one pipeline that fails ends the run with its error; the others commit and end', async () => {
  const log = openMemoryLog()
  await log.createTopic('a')
  await log.createTopic('b')
  const broken = failingOnce(
    log,
    ({ pipeline: name }, { appends }) => name === 'two' && appends.length > 0,
  )
  const { run } = await start(broken, [copy('one', 'a', 'a2'), copy('two', 'b', 'b2')], {
    attemptsMax: 1,
  })
  await give(log, 'a', [{ key: null, value: 1 }])
  await until('one has its result', async () => (await texts(log, 'a2')).length === 1)
  await give(log, 'b', [{ key: null, value: 2 }])
  await assert.rejects(run.done, (thrown) => isCode(thrown, 'log-failed'))
  await run.stop()
  const again = await start(log, [copy('one', 'a', 'a2'), copy('two', 'b', 'b2')]) // both are free
  await until('two has its result', async () => (await texts(log, 'b2')).length === 1)
  await again.run.stop()
})

test('an unknown source topic: one message that says what to do; nothing runs on', async () => {
  const log = openMemoryLog()
  await log.createTopic('a')
  const pipelines = [copy('one', 'a', 'a2'), copy('two', 'nowhere', 'b2')]
  await assert.rejects(start(log, pipelines), (thrown) => {
    assert.ok(isCode(thrown, 'unknown-topic'))
    assert.match(thrown.message, /^topic 'nowhere' does not exist/)
    assert.match(thrown.hint ?? '', /millrace topics create nowhere/)
    return true
  })
  const { run } = await start(log, copy('one', 'a', 'a2'))
  await run.stop()
})

test('a pipeline that runs already is refused; taking over fences it, idle or not', async () => {
  const log = openMemoryLog()
  await log.createTopic('a')
  const first = await start(log, copy('one', 'a', 'a2'))
  await until('it waits', () => first.run.status().length === 1)
  await assert.rejects(start(log, copy('one', 'a', 'a2')), (thrown) =>
    isCode(thrown, 'pipeline-running'),
  )
  const second = await start(log, copy('one', 'a', 'a2'), { takeOver: true })
  await assert.rejects(first.run.done, (thrown) => isCode(thrown, 'task-fenced'))
  await give(log, 'a', [{ key: null, value: 1 }])
  await until('the result', async () => (await texts(log, 'a2')).length === 1)
  await second.run.stop()
  await second.run.done
  assert.deepEqual(await texts(log, 'a2'), ['1'])
})

test('topics of unequal partition counts are not read together by tasks', async () => {
  const log = openMemoryLog()
  await log.createTopic('a', { partitions: 2 })
  await log.createTopic('b', { partitions: 3 })
  const merged = pipeline(
    'm',
    from(topic('a'))
      .merge(from(topic('b')))
      .to(topic('c')),
  )
  await assert.rejects(start(log, merged, { tasks: 'per-partition' }), (thrown) => {
    return isCode(thrown, 'invalid-plan') && /'a' and 'b'.* 2 and 3 partitions/.test(thrown.message)
  })
  const { run } = await start(log, merged, { tasks: 'one' })
  await run.stop()
})

test('tasks per partition stop at a record in another partition than its key has', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions: 4 })
  const keyed = from(topic('in', settings)).aggregate({ n: count() }).to(topic('out'))
  const { run } = await start(log, keyed, { tasks: 'per-partition' })
  const k = 'abcdefg'.split('').find((each) => partitionOfText(each, 4) !== 0)
  await give(log, 'in', [{ key: null, value: { k, g: '', t: 1 } }]) // without key: to partition 0
  await assert.rejects(run.done, (thrown) => {
    return isCode(thrown, 'wrong-partition') && thrown.at.topic === 'in' && thrown.at.offset === 0
  })
  assert.deepEqual(await texts(log, 'out'), [])
})

test('a pipeline is not run with other tasks than before', async () => {
  const log = openMemoryLog()
  await log.createTopic('a', { partitions: 2 })
  const { run } = await start(log, copy('one', 'a', 'a2'), { tasks: 'one' })
  await run.stop()
  const other = start(log, copy('one', 'a', 'a2'), { tasks: 'per-partition' })
  await assert.rejects(other, (thrown) => isCode(thrown, 'invalid-plan'))
  const again = await start(log, copy('one', 'a', 'a2'), { tasks: 'one' }) // the name is free again
  await again.run.stop()
})

test('a result too large for its topic is a dead letter, and the run goes on', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { recordBytesMax: 100 })
  await log.createTopic('out', { recordBytesMax: 90 })
  await log.createTopic('in.dead', { recordBytesMax: 16_384 + 60 })
  const { run } = await start(log, regrouped())
  await give(log, 'in', [{ key: 'k', value: { k: 'k', g: 'g'.repeat(30), t: 1 } }])
  await give(log, 'in', [{ key: 'k', value: { k: 'k', g: 'g', t: 2 } }])
  await until('the letter', async () => (await texts(log, 'in.dead')).length === 1)
  await until('the result', async () => (await texts(log, 'out')).length === 1)
  await run.stop()
  await run.done
  assert.match((await texts(log, 'in.dead'))[0] ?? '', /^\{"key":"g{20}/)
})

test('a record without key for a compacted topic is a dead letter; the run goes on', async () => {
  const log = openMemoryLog()
  await log.createTopic('in')
  await log.createTopic('out', { cleanup: 'compact' })
  const { run } = await start(log, from(topic('in', { key: 'record' })).to(topic('out')))
  await give(log, 'in', [{ key: null, value: 1 }])
  await give(log, 'in', [{ key: 'k', value: 2 }])
  await until('the result', async () => (await texts(log, 'out')).length === 1)
  await run.stop()
  await run.done
  assert.deepEqual(await texts(log, 'in.dead'), ['1'])
})

test('no pipeline is a plan without a sink', async () => {
  await assert.rejects(start(openMemoryLog(), []), (thrown) => isCode(thrown, 'invalid-plan'))
})
