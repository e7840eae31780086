import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import { faultyLog, seededFaults } from '../log/log.faulty.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import type { Source, SourceBatch, SourceRecord } from './source.ts'
import { runSource } from './source-runner.ts'
import type { SourceEvent, SourceOptions } from './source-runner.ts'

const clock = new VirtualClock(1_700_000_000_000)
const create = { partitions: 1 }

function numbered(from: number, count: number, key: string | null = null): SourceRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key, value: `v${from + i}`, time: from + i }))
}

type Open = (position: number | null, signal: AbortSignal) => AsyncIterable<SourceBatch<number>>

const sourceOf = (open: Open, name = 'numbers'): Source<number> => ({
  kind: 'source',
  name,
  type: 'test',
  replayable: true,
  open: (position, { signal }) => open(position, signal),
})

/** Batches of 10 records up to `end`. */
const upTo = (end: number): Open =>
  async function* batches(position) {
    for (let at = position ?? 0; at < end; at += 10) {
      yield { records: numbered(at, 10), position: at + 10 }
    }
  }

async function values(log: Log, topic: string, partition = 0): Promise<string[]> {
  const reader = await log.openReader([{ topic, partition, offset: 0 }])
  const found: string[] = []
  for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
    for (let i = batch.first; i < batch.count; i++) found.push(String(batch.value(i)))
  }
  await reader.close()
  return found
}

const expected = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`)

async function run(log: Log, source: Source<number>, options: Partial<SourceOptions> = {}) {
  return runSource(log, source, { topic: 't', create, clock, ...options })
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail('it resolved'),
    (error: unknown) => error,
  )
}

/** Lets virtual time go on until the promise settles. */
async function withTime<T>(promise: Promise<T>): Promise<T> {
  let isPending = true
  const mark = (): void => {
    isPending = false
  }
  promise.then(mark, mark)
  for (let turn = 0; isPending && turn < 2_000; turn++) {
    await systemClock.nextTurn()
    clock.advance(100)
  }
  assert.ok(!isPending, 'it did not settle')
  return promise
}

test('a source that ends leaves all its records and its position', async () => {
  const log = openMemoryLog()
  const events: SourceEvent[] = []
  const first = await run(log, sourceOf(upTo(30)), { notify: (event) => events.push(event) })
  await first.done
  assert.deepEqual(await values(log, 't'), expected(30))
  assert.deepEqual(first.status(), {
    source: 'numbers',
    topic: 't',
    state: 'ended',
    position: 30,
    recordCount: 30,
    commitCount: 3,
    refusedCount: 0,
    dedupe: null,
  })
  assert.deepEqual(
    events.map((event) => event.kind),
    ['source-opened', 'source-ended'],
  )
  const second = await run(log, sourceOf(upTo(50)), { notify: (event) => events.push(event) })
  await second.done
  assert.deepEqual(await values(log, 't'), expected(50))
  assert.deepEqual(events[2], { kind: 'source-opened', source: 'numbers', resumed: true })
})

test('a source that fails is opened again at the last commit', async () => {
  const log = openMemoryLog()
  let openings = 0
  const failing = sourceOf(async function* failing(position) {
    openings += 1
    yield* upTo((position ?? 0) + 10)(position, new AbortController().signal)
    if (openings < 4) throw new Error('the line is down')
  })
  const events: SourceEvent[] = []
  const started = await run(log, failing, { notify: (event) => events.push(event) })
  await withTime(started.done)
  assert.deepEqual(await values(log, 't'), expected(40))
  const retries = events.filter((event) => event.kind === 'source-retrying')
  assert.deepEqual(
    retries.map(({ attempt }) => attempt),
    [1, 1, 1],
  ) // a commit came between
  assert.ok(retries.every(({ error }) => isCode(error, 'source-failed')))
})

test('it gives up after attemptsMax without a commit, waiting longer each time', async () => {
  const log = openMemoryLog()
  const waits: number[] = []
  // oxlint-disable-next-line require-yield -- it throws instead
  const broken = sourceOf(async function* broken() {
    throw new Error('no such device')
  })
  const started = await run(log, broken, {
    attemptsMax: 4,
    notify: (event) => void (event.kind === 'source-retrying' && waits.push(event.inMs)),
  })
  const error = await withTime(rejection(started.done))
  assert.ok(isCode(error, 'source-failed'), String(error))
  assert.deepEqual(waits, [50, 100, 200])
  assert.equal(started.status().state, 'failed')
})

test('what no retry helps ends the run at once', async () => {
  const log = openMemoryLog()
  let openings = 0
  // oxlint-disable-next-line require-yield -- it throws instead
  const broken = sourceOf(async function* broken() {
    openings += 1
    throw new MillraceError('file-not-found', 'there is no such file')
  })
  const started = await run(log, broken)
  assert.ok(isCode(await rejection(started.done), 'file-not-found'))
  assert.equal(openings, 1)
})

test('a time that is no number, or a partition that is not there, leaves nothing', async () => {
  const log = openMemoryLog()
  const bad = async (change: Partial<SourceRecord>, code: string): Promise<void> => {
    const records = [...numbered(0, 3), { key: null, value: 'bad', time: 3, ...change }]
    const started = await run(
      log,
      sourceOf(async function* one() {
        yield { records, position: 1 }
      }),
    )
    const error = await rejection(started.done)
    assert.ok(error instanceof MillraceError && error.code === code, String(error))
  }
  await bad({ time: Number.NaN }, 'invalid-argument')
  await bad({ partition: 7 }, 'unknown-partition')
  assert.deepEqual(await values(log, 't'), [])
})

test('stop ends a waiting source, keeps what was committed and gives the name free', async () => {
  const log = openMemoryLog()
  const waiting = sourceOf(async function* waiting(position, signal) {
    yield { records: numbered(position ?? 0, 10), position: (position ?? 0) + 10 }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  })
  const first = await run(log, waiting)
  while (first.status().commitCount === 0) await systemClock.nextTurn()
  const refused = await rejection(run(log, waiting))
  assert.ok(isCode(refused, 'pipeline-running'), String(refused))
  await first.stop()
  await first.stop()
  assert.equal(first.status().state, 'stopped')
  const second = await run(log, waiting)
  while (second.status().commitCount === 0) await systemClock.nextTurn()
  await second.stop()
  assert.deepEqual(await values(log, 't'), expected(20))
})

test('who takes over fences the run before', async () => {
  const log = openMemoryLog()
  const waiting = sourceOf(async function* waiting(_, signal) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    yield { records: numbered(0, 1), position: 1 }
  })
  const first = await run(log, waiting)
  while (first.status().state !== 'running') await systemClock.nextTurn()
  await systemClock.nextTurn()
  const second = await run(log, sourceOf(upTo(20)), { takeOver: true })
  const error = await rejection(first.done)
  assert.ok(isCode(error, 'task-fenced'), String(error))
  await second.done
  assert.deepEqual(await values(log, 't'), expected(20))
})

test('keys choose the partition as everywhere, records without key are spread', async () => {
  const log = openMemoryLog()
  const keyed = ['a', 'b', 'c', 'd'].flatMap((key) => numbered(0, 2, key))
  const source = sourceOf(async function* one() {
    yield { records: keyed, position: 1 }
  })
  await (
    await run(log, source, { topic: 'keyed', create: { partitions: 3 } })
  ).done
  for (const partition of [0, 1, 2]) {
    const wished = ['a', 'b', 'c', 'd'].filter((key) => partitionOfText(key, 3) === partition)
    assert.equal((await values(log, 'keyed', partition)).length, wished.length * 2)
  }
  const keyless = sourceOf(async function* one() {
    yield { records: numbered(0, 1_300), position: 1 }
  }, 'keyless')
  await (
    await run(log, keyless, { topic: 'spread', create: { partitions: 2 } })
  ).done
  const counts = await Promise.all([0, 1].map(async (p) => (await values(log, 'spread', p)).length))
  assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), 1_300)
  assert.ok(Math.min(...counts) > 500, String(counts))
})

test('a topic that is not there and may not be made, and a strange name, are refused', async () => {
  const log = openMemoryLog()
  const missing = runSource(log, sourceOf(upTo(1)), { topic: 'nowhere', clock })
  assert.ok(isCode(await rejection(missing), 'unknown-topic'))
  assert.ok(isCode(await rejection(run(log, sourceOf(upTo(1), 'a b'))), 'invalid-argument'))
})

test('commits that fail, or of which nobody knows, leave each record once', async () => {
  let faultCount = 0
  for (let seed = 0; seed < 40; seed++) {
    const log = openMemoryLog()
    const faulty = faultyLog(log, seededFaults(seed, { percent: 30, clock }))
    for (let state = 'failed'; state !== 'ended';) {
      const started = await run(faulty, sourceOf(upTo(200)), { attemptsMax: 100 })
      const error = await withTime(
        started.done.then(
          () => null,
          (thrown: unknown) => thrown,
        ),
      )
      assert.ok(error === null || isCode(error, 'task-fenced'), `seed ${seed}: ${String(error)}`)
      state = started.status().state
    }
    assert.deepEqual(await values(log, 't'), expected(200), `seed ${seed}`)
    assert.deepEqual(faulty.violations, [], `seed ${seed}`)
    faultCount += faulty.met.length
  }
  assert.ok(faultCount > 100, `${faultCount} faults met`)
})
