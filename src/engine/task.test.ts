import assert from 'node:assert/strict'
import { test } from 'vitest'
import { DecodePending, json } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { BatchBuilder, RecordBatch } from '../log/batch.ts'
import type { CommitBatch } from '../log/log.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import { from } from '../pipeline/from.ts'
import type { PlanPart } from '../pipeline/plan.ts'
import { topic } from '../pipeline/topic.ts'
import { FeedSession } from '../testing/feed-session.ts'
import { neverIdleMs, runCase } from './conformance/fold-case.ts'
import type { CaseRecord, FoldCase, Round } from './conformance/fold-case.ts'
import { runningReduce, windowAggregate } from './conformance/fold-pipelines.ts'
import { Task } from './task.ts'

const record = (partition: number, t: number, v: number, k = 'a'): CaseRecord => {
  return { partition, k, v, t, isBroken: false }
}

function foldCase(rounds: readonly Round[], partitions = 2): FoldCase {
  return {
    partitions,
    outOfOrderMs: 0,
    idleAfterMs: neverIdleMs,
    latenessMs: 0,
    blockRecords: 2,
    rounds,
  }
}

test('O1 records of equal time come in order of input, whatever the size of the slices', () => {
  const records = [
    record(0, 5, 0),
    record(1, 3, 1),
    record(1, 5, 2),
    record(1, 5, 3),
    record(0, 5, 4),
  ]
  const lines = (limit: number): readonly string[] => {
    const slices = records.map(() => ({ limit, commits: false, crashes: false }))
    return runCase(foldCase([{ records, slices, tickMs: 0 }]), runningReduce.pipeline(0)).lines
  }
  assert.deepEqual(lines(1), lines(100))
  assert.match(lines(1).at(-1) ?? '', /"\(1\) 0 4 2 3"/)
})

test('catching up, the smallest event time is read first: no input makes another late', () => {
  const fast = Array.from({ length: 50 }, (_, i) => record(0, i * 10, 0, 'fast'))
  const slow = Array.from({ length: 50 }, (_, i) => record(1, i * 10, 0, 'slow'))
  const { lines } = runCase(
    foldCase([
      {
        records: [...fast, ...slow],
        slices: [{ limit: 7, commits: true, crashes: true }],
        tickMs: 0,
      },
    ]),
    windowAggregate().pipeline(0),
  )
  assert.deepEqual(
    lines.filter((line) => line.startsWith('in.late')),
    [],
  )
  assert.equal(lines.length, 100)
})

test('O3 a crash after every single record changes nothing', () => {
  const records = Array.from({ length: 30 }, (_, i) =>
    record(i % 2, (i * 7) % 40, i % 9, 'abc'[i % 3]),
  )
  const rounds = (crashes: boolean): Round[] => {
    const slices = records.map(() => ({ limit: 1, commits: true, crashes }))
    return [{ records, slices, tickMs: 0 }]
  }
  for (const fold of [windowAggregate(), runningReduce]) {
    const built = fold.pipeline(5)
    const calm = runCase(foldCase(rounds(false)), built)
    const stormy = runCase(foldCase(rounds(true)), built)
    assert.equal(stormy.restarts.length, 30)
    assert.deepEqual(stormy.lines, calm.lines)
    assert.ok(calm.lines.length > 10)
  }
})

/** Two partitions of numbers whose event time is themselves, merged by one task. */
function merging(
  more: Partial<FeedSession>,
  codec: Codec<number> = json(),
  wake = (): void => {},
): { session: FeedSession; task: Task } {
  const numbers = topic('in', { codec, partitions: 2, time: (value) => value })
  const places = [0, 1].map((partition) => ({ topic: 'in', partition }))
  const session = Object.assign(new FeedSession(places), more)
  const part = buildPlan(from(numbers).to(topic('out')), { name: 'p', repartition: false }).parts[0]
  const output = { recordBytesMax: 1 << 20, compact: false, partitionCount: 1 }
  const task = new Task({
    name: 'main/all',
    index: 0,
    part: part as PlanPart,
    session,
    inputs: places.map((place) => ({
      kind: 'topic',
      step: 'in',
      place,
      spec: numbers.spec,
      clock: numbers.spec,
      partitionedBy: null,
      scope: 'partitioned',
    })),
    outputTopics: ['in.dead', 'out'].map((name) => ({ name, ...output })),
    homeTopic: 'in',
    nowMs: 0,
    print: () => {},
    outside: { after: () => () => {}, wake },
  })
  task.begin()
  return { session, task }
}

function block(...values: readonly number[]): Uint8Array {
  const builder = new BatchBuilder()
  for (const value of values) builder.add(null, String(value), 0)
  return builder.finish()
}

test('an input whose records were deleted before they were read holds nobody up', () => {
  // The log knows of records that nobody can read any more.
  const endOffset = (input: number): number => (input === 1 ? 100 : 2)
  const { session, task } = merging({ endOffset })
  session.feed(0, block(1, 2))
  task.tick(1)
  assert.equal(task.process(10), 'caught-up')
  assert.equal(task.counters.recordsIn, 2)
})

test('records wait for those of another input that are being fetched', () => {
  let isBehind = true
  const { session, task } = merging({ behind: (...[input]: number[]) => input === 1 && isBehind })
  session.feed(0, block(10, 30))
  assert.equal(task.process(10), 'behind')
  assert.equal(task.takeCommit(), null)
  session.feed(1, block(5, 20))
  assert.equal(task.process(10), 'behind', 'what follows 20 may come before 30')
  assert.equal(task.counters.recordsIn, 3)
  isBehind = false
  assert.equal(task.process(10), 'caught-up')
  assert.deepEqual(committed(task), { offsets: [2, 2], values: ['5', '10', '20', '30'] })
})

test('a record that cannot be decoded yet holds the others back', async () => {
  const plain = json<number>()
  const schema = Promise.withResolvers<void>()
  let isThere = false
  const decode: Codec<number>['decode'] = (bytes, start, end) => {
    const value = plain.decode(bytes, start, end)
    if (value === 7 && !isThere) throw new DecodePending(schema.promise)
    return value
  }
  let wakes = 0
  const { session, task } = merging(
    {},
    { ...plain, decode, decoder: (bytes) => (start, end) => decode(bytes, start, end) },
    () => void (wakes += 1),
  )
  session.feed(0, block(5, 7, 9))
  session.feed(1, block(6, 8))
  assert.equal(task.process(10), 'behind')
  assert.deepEqual(committed(task), { offsets: [1, -1], values: ['5'] })
  isThere = true
  assert.equal(task.process(10), 'behind', 'nobody has said that it can be tried again')
  schema.reject(new Error('what failed shows at the next try'))
  await Promise.resolve().then(() => {})
  assert.equal(wakes, 1)
  assert.equal(task.process(10), 'caught-up')
  assert.deepEqual(committed(task), { offsets: [3, 2], values: ['6', '7', '8', '9'] })
})

function committed(task: Task): { offsets: readonly number[]; values: string[] } {
  const { appends, offsets } = task.takeCommit() as CommitBatch
  const batch = new RecordBatch('out', 0, 0, appends[0]?.bytes ?? new Uint8Array())
  return {
    offsets,
    values: Array.from({ length: batch.count }, (_, i) => String(batch.value(i))),
  }
}
