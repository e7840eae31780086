import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { BatchBuilder } from '../log/batch.ts'
import type { GroupOffset, Log, Session } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { count } from '../pipeline/aggregators/count.ts'
import { sum } from '../pipeline/aggregators/sum.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import { from } from '../pipeline/from.ts'
import { pipeline as pipelineOf } from '../pipeline/pipeline.ts'
import { topic } from '../pipeline/topic.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'
import { emptyPassages, trimRepartitions } from './trim-repartition.ts'

interface Probe {
  readonly log: Log
  readonly clock: VirtualClock
  readonly session: Session
  /** The offsets of each trim that was asked for. */
  readonly trims: number[][]
  readonly failures: unknown[]
}

/**
 * A task that reads `in/0` and `passage/0`, both with records; `hold` delays or fails the trims.
 */
async function open(hold: () => Promise<void> = async () => {}): Promise<Probe> {
  const log = openMemoryLog()
  const places = ['in', 'passage'].map((name) => ({ topic: name, partition: 0 }))
  for (const { topic: name } of places) {
    await log.createTopic(name)
    await append(log, name, 2000, 10)
  }
  const clock = new VirtualClock(1000)
  const trims: number[][] = []
  const failures: unknown[] = []
  const trim = async (offsets: readonly GroupOffset[]): Promise<void> => {
    assert.deepEqual([...new Set(offsets.map((place) => place.topic))], ['passage'])
    trims.push(offsets.map(({ offset }) => offset))
    await hold()
    await log.trim(offsets)
  }
  const spec = { pipeline: 'p', task: 'x/0', inputs: places }
  const opened = await log.open({ ...spec, startAt: ['earliest', 'earliest'] })
  const session = trimRepartitions(opened, {
    log: { trim },
    clock,
    inputs: places.map((place, i) => ({ kind: i === 0 ? 'topic' : 'repartition', place })),
    onFailure: (error) => failures.push(error),
  })
  return { log, clock, session, trims, failures }
}

async function append(log: Log, name: string, records: number, bytes: number): Promise<void> {
  const builder = new BatchBuilder()
  for (let i = 0; i < records; i++) builder.add('k', 'x'.repeat(bytes), i)
  await log.append([{ topic: name, partition: 0, bytes: builder.finish() }])
}

async function commit(session: Session, ...offsets: number[]): Promise<void> {
  await session.commit({ offsets, appends: [], changelog: null })
}

test('the first commit trims, the next after 1000 more; inputs of the user never', async () => {
  const { session, trims, log } = await open()
  await commit(session, 2000, -1)
  assert.deepEqual(trims, [], 'nothing of the passage is committed yet')
  await commit(session, -1, 5)
  assert.deepEqual(trims, [[5]])
  for (let i = 1; i < 1000; i++) await commit(session, -1, 5 + i)
  assert.deepEqual(trims, [[5]])
  await commit(session, -1, 1005)
  assert.deepEqual(trims, [[5], [1005]])
  for (let i = 0; i < 1100; i++) await commit(session, 2000, -1)
  assert.deepEqual(trims, [[5], [1005]], 'what does not move is not trimmed again')
  assert.equal((await log.describeTopic('passage')).partitions[0]?.startOffset, 1005)
  assert.equal((await log.describeTopic('in')).partitions[0]?.startOffset, 0)
})

test('L1 what was read but not committed stays', async () => {
  const { session, trims } = await open()
  assert.equal(session.poll(1)?.count, 2000)
  await commit(session, 100, -1)
  assert.deepEqual(trims, [])
  await commit(session, -1, 40)
  assert.deepEqual(trims, [[40]])
})

test('16 MiB that were read, or 30 s, make a trim due', async () => {
  const { session, trims, log, clock } = await open()
  await commit(session, -1, 1)
  session.poll(1)
  await append(log, 'passage', 17, 1_000_000)
  await commit(session, -1, 2)
  assert.equal(trims.length, 1)
  session.poll(1)
  await commit(session, -1, 3)
  assert.deepEqual(trims, [[1], [3]])
  clock.advance(29_999)
  await commit(session, -1, 4)
  assert.equal(trims.length, 2)
  clock.advance(1)
  await commit(session, -1, 5)
  assert.deepEqual(trims.at(-1), [5])
})

test('one trim at a time; closing waits for it', async () => {
  let release = (): void => {}
  const { session, trims, clock } = await open(() => new Promise((resolve) => (release = resolve)))
  await commit(session, -1, 1)
  clock.advance(30_000)
  await commit(session, -1, 2)
  assert.deepEqual(trims, [[1]])
  let isClosed = false
  const closing = session.close().then(() => (isClosed = true))
  for (let i = 0; i < 20; i++) await Promise.resolve()
  assert.equal(isClosed, false)
  release()
  await closing
})

test('a trim that fails is told and made up for by the next', async () => {
  let isFailing = true
  const { session, trims, failures, clock, log } = await open(async () => {
    if (isFailing) throw new Error('no')
  })
  await commit(session, -1, 1)
  await until('it is told', () => failures.length === 1)
  isFailing = false
  clock.advance(30_000)
  await commit(session, 7, -1)
  await until('it is made up for', () => trims.length === 2)
  assert.deepEqual(trims, [[1], [1]])
  await session.close()
  assert.equal((await log.describeTopic('passage')).partitions[0]?.startOffset, 1)
})

test('a task without repartition topics keeps its session as it is', async () => {
  const { log, clock } = await open()
  const place = { topic: 'in', partition: 0 }
  const spec = { pipeline: 'p', task: 'y/0', inputs: [place], startAt: ['earliest' as const] }
  const session = await log.open(spec)
  const inputs = [{ kind: 'topic' as const, place }]
  assert.equal(
    trimRepartitions(session, { log, clock, inputs, onFailure: () => assert.fail() }),
    session,
  )
})

test('a pipeline leaves its repartition topic small, and its results right', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions: 2 })
  const pipeline = from(topic('in', { key: (r) => (r as { k: string }).k }))
    .keyBy((r) => (r as { g: string }).g)
    .aggregate({ n: count(), total: sum((r) => (r as { v: number }).v) })
    .to(topic('out'))
  const { run, events } = await start(log, pipeline, { tasks: 'per-partition' })
  const text = 'x'.repeat(100_000)
  const total = 600
  for (let v = 0; v < total; v += 20) {
    const values = Array.from({ length: 20 }, (_, i) => ({ k: `k${i}`, g: 'g', v: v + i, text }))
    await give(
      log,
      'in',
      values.map((value) => ({ key: value.k, value })),
    )
    await until('results', async () => (await texts(log, 'out')).length === v + 20)
  }
  await run.stop()
  await run.done
  assert.equal((await texts(log, 'out')).length, total)
  const sums = (await texts(log, 'out')).map(
    (each) => (JSON.parse(each) as { total: number }).total,
  )
  assert.equal(Math.max(...sums), (total * (total - 1)) / 2)
  const passage = (await log.listTopics()).find(({ name }) => name.endsWith('.repartition'))
  const bytes = passage?.partitions.reduce((all, each) => all + each.bytes, 0) ?? Infinity
  const records = passage?.partitions.reduce((all, each) => all + each.endOffset, 0) ?? 0
  assert.ok(records >= total, `${records} records went through`)
  // 60 MB went through; at most what makes a trim due is left, and a little on top.
  assert.ok(bytes < 20 << 20, `${bytes} bytes are left`)
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'trim-failed' || kind === 'retrying'),
    [],
  )
})

test('L1 what is on its way stays where any task has committed, and else goes', async () => {
  const log = openMemoryLog()
  const plan = buildPlan(
    pipelineOf(
      'p',
      from(topic('in'))
        .keyBy(() => 'all')
        .aggregate({ n: count() })
        .to(topic('out')),
    ),
    { name: 'p', repartition: true },
  )
  const passage = plan.parts.flatMap((part) => part.repartitions)[0]?.topic ?? ''
  for (const name of ['in', passage]) {
    await log.createTopic(name)
    await append(log, name, 10, 10)
  }
  const left = async (): Promise<number | undefined> =>
    (await log.describeTopic(passage)).partitions[0]?.startOffset
  const inputs = [{ topic: 'in', partition: 0 }]
  const session = await log.open({ pipeline: 'p', task: 'first/0', inputs, startAt: ['earliest'] })
  await commit(session, 10)
  await emptyPassages(log, plan)
  assert.equal(await left(), 0)
  await session.close()
  await log.deleteGroup('p')
  await emptyPassages(log, plan)
  assert.equal(await left(), 10)
})

test('a pipeline whose state was forgotten does not read what it sent itself before', async () => {
  const log = openMemoryLog()
  await log.createTopic('in', { partitions: 2 })
  const pipeline = from(topic('in', { key: (r) => (r as { k: string }).k }))
    .keyBy(() => 'all')
    .aggregate({ n: count() })
    .to(topic('out'))
  const counts = async (): Promise<number[]> =>
    (await texts(log, 'out')).map((each) => (JSON.parse(each) as { n: number }).n)
  const values = Array.from({ length: 11 }, (_, i) => ({ key: `k${i}`, value: { k: `k${i}` } }))
  await give(log, 'in', values)
  for (const round of [1, 2]) {
    const { run } = await start(log, pipeline, { tasks: 'per-partition' })
    await until('results', async () => (await counts()).length === 11 * round)
    await run.stop()
    await run.done
    for (const { group } of await log.groups()) await log.deleteGroup(group)
  }
  // Each run counts its eleven inputs once.
  assert.deepEqual((await counts()).toSorted((a, b) => a - b).slice(-2), [11, 11])
})
