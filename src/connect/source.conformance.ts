/**
 * The suite that every source passes, as data: a runner makes one test of each case.
 * `defineSourceConformance(test, subject)` does so with vitest's or node's `test`.
 */
import assert from 'node:assert/strict'
import { systemClock, VirtualClock } from '../core/clock.ts'
import { seededRandom } from '../core/random.ts'
import { RecordBatch } from '../log/batch.ts'
import type { Log } from '../log/log.ts'
import type { Source, SourceBatch, SourceRecord } from './source.ts'
import { sourceBatchRecordsMax } from './source.ts'
import { runSource } from './source-runner.ts'

/** What the cases prove: the contract's S1–S4, and that the runner keeps a source's promise. */
export const sourceSubjects = {
  S1: 'opened at a position, it gives what came after it',
  S2: 'positions grow',
  S3: 'the signal ends it, also while it waits',
  S4: 'a batch is bounded',
  S5: 'in the topic each record is once, wherever the run was cut',
} as const

export type SourceCaseId = keyof typeof sourceSubjects

/** A source, as the suite needs it. One subject is one outside world, the same at each opening. */
export interface SourceSubject<P> {
  readonly name: string
  /** The source. Called several times for one case, opened on a clock that the suite moves. */
  source(): Source<P>
  /** Negative where `a` is the earlier position. */
  compare(a: P, b: P): number
  /** How far time goes on while the suite waits for a batch, ms. */
  readonly stepMs: number
  /** How many batches of the source a case looks at, where the source does not end before. */
  readonly batchesMax: number
  /** An empty log without retention, for S5. */
  openLog(): Log
}

export interface SourceCase {
  readonly id: SourceCaseId
  /** Starts with the id. */
  readonly title: string
  readonly needs: 'any' | 'replayable'
  run<P>(subject: SourceSubject<P>): Promise<void>
}

export const sourceConformance: readonly SourceCase[] = [
  {
    id: 'S1',
    title: 'S1 every position gives the rest, the same records in the same order',
    needs: 'replayable',
    async run(subject) {
      const whole = await take(subject, null, subject.batchesMax)
      assert.ok(whole.length > 2, `only ${whole.length} batches: nothing to cut between`)
      const all = whole.flatMap((batch) => batch.records.map(textOf))
      let given = 0
      for (const { records, position } of whole.slice(0, 40)) {
        given += records.length
        const wanted = Math.min(all.length - given, 500)
        const rest = await takeRecords(subject, position, wanted)
        assert.deepEqual(
          rest,
          all.slice(given, given + wanted),
          `after ${JSON.stringify(position)}`,
        )
      }
    },
  },
  {
    id: 'S1',
    title: 'S1 a position survives being the last one: nothing comes twice',
    needs: 'replayable',
    async run(subject) {
      const whole = await take(subject, null, subject.batchesMax)
      const last = whole.at(-1)
      assert.ok(last !== undefined)
      const before = new Set(whole.flatMap((batch) => batch.records.map(textOf)))
      const rest = await take(subject, last.position, 3)
      const twice = rest
        .flatMap((batch) => batch.records.map(textOf))
        .filter((text) => before.has(text))
      assert.deepEqual(twice, [])
    },
  },
  {
    id: 'S2',
    title: 'S2 each batch with records has a later position than the one before',
    needs: 'any',
    async run(subject) {
      const batches = await take(subject, null, subject.batchesMax)
      assert.ok(batches.length > 2, `only ${batches.length} batches`)
      for (const [i, { records, position }] of batches.entries()) {
        const before = batches[i - 1]?.position
        if (before === undefined) continue
        const order = subject.compare(before, position)
        assert.ok(records.length === 0 ? order <= 0 : order < 0, `batch ${i} does not move on`)
      }
    },
  },
  {
    id: 'S3',
    title: 'S3 it ends when the signal fires while it waits',
    needs: 'any',
    async run(subject) {
      const opening = open(subject, null)
      await opening.next()
      const waiting = opening.iterator.next()
      opening.abort()
      const { done } = await settled(waiting)
      if (done !== true) assert.equal((await settled(opening.iterator.next())).done, true)
    },
  },
  {
    id: 'S3',
    title: 'S3 it gives nothing when the signal has fired before',
    needs: 'any',
    async run(subject) {
      const opening = open(subject, null)
      opening.abort()
      assert.equal((await settled(opening.iterator.next())).done, true)
    },
  },
  {
    id: 'S3',
    title: 'S3 return() ends it, and it can be opened again',
    needs: 'any',
    async run(subject) {
      const opening = open(subject, null)
      await opening.next()
      assert.ok(opening.iterator.return !== undefined, 'the iterator has no return()')
      await settled(opening.iterator.return())
      assert.equal((await settled(opening.iterator.next())).done, true)
      assert.equal((await take(subject, null, 1)).length, 1)
    },
  },
  {
    id: 'S4',
    title: 'S4 a batch is bounded, also after a long time in which nobody asked',
    needs: 'any',
    async run(subject) {
      const opening = open(subject, null)
      for (let i = 0; i < 5; i++) {
        const { done, value } = await opening.next()
        if (done === true) break
        const count = value.records.length
        assert.ok(count <= sourceBatchRecordsMax, `a batch of ${count} records`)
        opening.clock.advance(3_600_000)
      }
      await opening.close()
    },
  },
  {
    id: 'S5',
    title: 'S5 runs that are cut after any commit leave each record once, in order',
    needs: 'replayable',
    async run(subject) {
      const whole = await take(subject, null, subject.batchesMax)
      const all = whole.flatMap((batch) => batch.records.map(textOf))
      const log = subject.openLog()
      try {
        for (const seed of Array.from({ length: 12 }, (_, i) => i)) await cutRun(subject, log, seed)
        const kept = await recordsOf(log, 'conformance')
        assert.ok(kept.length > 0, 'no run committed a record')
        const count = Math.min(kept.length, all.length)
        assert.deepEqual(kept.slice(0, count), all.slice(0, count))
      } finally {
        await log.close()
      }
    },
  },
]

/** What a test runner offers: `test(title, run)` and `test.skip`. */
export interface TestFunction {
  (title: string, run: () => Promise<void>): unknown
  skip(title: string, run: () => Promise<void>): unknown
}

/**
 * Makes one test of each case; one that a live source cannot pass is skipped, its title says why.
 */
export function defineSourceConformance<P>(test: TestFunction, subject: SourceSubject<P>): void {
  const { replayable } = subject.source()
  for (const one of sourceConformance) {
    const run = (): Promise<void> => one.run(subject)
    const title = `${subject.name}: ${one.title}`
    if (one.needs === 'any' || replayable) test(title, run)
    else test.skip(`${title} [skipped: the source is live, not replayable]`, run)
  }
}

/** Turns of the event loop that a case waits before it gives up; far more than any source needs. */
const turnsMax = 5_000
/** Turns after which each takes a ms: disks and servers need time, however often one looks. */
const quickTurns = 1_000

function turn(number: number): Promise<void> {
  if (number < quickTurns) return systemClock.nextTurn()
  return new Promise((resolve) => systemClock.after(1, resolve))
}

/** Waits for a promise that needs no time to pass. */
async function settled<T>(promise: Promise<T>, onTurn: () => void = () => {}): Promise<T> {
  let state: 'pending' | 'settled' = 'pending'
  const mark = (): void => {
    state = 'settled'
  }
  promise.then(mark, mark)
  for (let turns = 0; state === 'pending'; turns++) {
    assert.ok(turns < turnsMax, `nothing came in ${turnsMax} turns`)
    await turn(turns)
    if (state === 'pending') onTurn()
  }
  return promise
}

interface Opening<P> {
  readonly clock: VirtualClock
  readonly iterator: AsyncIterator<SourceBatch<P>>
  next(): Promise<IteratorResult<SourceBatch<P>>>
  abort(): void
  close(): Promise<void>
}

function open<P>(subject: SourceSubject<P>, position: P | null): Opening<P> {
  const clock = new VirtualClock(1_700_000_000_000)
  const stopping = new AbortController()
  const source = subject.source()
  const iterator = source
    .open(position, { signal: stopping.signal, clock, random: seededRandom(1), notice: () => {} })
    [Symbol.asyncIterator]()
  return {
    clock,
    iterator,
    next: () => settled(iterator.next(), () => clock.advance(subject.stepMs)),
    abort: () => stopping.abort(),
    async close() {
      stopping.abort()
      if (iterator.return !== undefined) await settled(iterator.return())
    },
  }
}

async function take<P>(
  subject: SourceSubject<P>,
  position: P | null,
  limit: number,
): Promise<SourceBatch<P>[]> {
  const opening = open(subject, position)
  const batches: SourceBatch<P>[] = []
  while (batches.length < limit) {
    const { done, value } = await opening.next()
    if (done === true) break
    batches.push(value)
  }
  await opening.close()
  return batches
}

async function takeRecords<P>(
  subject: SourceSubject<P>,
  position: P,
  count: number,
): Promise<string[]> {
  const opening = open(subject, position)
  const records: string[] = []
  while (records.length < count) {
    const { done, value } = await opening.next()
    if (done === true) break
    records.push(...value.records.map(textOf))
  }
  await opening.close()
  return records.slice(0, count)
}

function textOf({ key, value, time }: SourceRecord): string {
  const text = (part: string | Uint8Array | null): string | null =>
    part === null || typeof part === 'string' ? part : Buffer.from(part).toString()
  return JSON.stringify([text(key), text(value), time])
}

/** Runs the source into the log until a random number of commits, then stops it. */
async function cutRun<P>(subject: SourceSubject<P>, log: Log, seed: number): Promise<void> {
  const clock = new VirtualClock(1_700_000_000_000)
  const run = await runSource(log, subject.source(), {
    topic: 'conformance',
    create: { partitions: 1 },
    clock,
  })
  const commits = seededRandom(seed).int(4)
  const isOver = (): boolean =>
    run.status().commitCount >= commits || run.status().state !== 'running'
  for (let turns = 0; !isOver(); turns++) {
    assert.ok(turns < turnsMax, `seed ${seed}: no commit in ${turnsMax} turns`)
    await turn(turns)
    clock.advance(subject.stepMs)
  }
  await run.stop()
  await run.done
}

/** Every record of partition 0, as `textOf` shows it. */
async function recordsOf(log: Log, topic: string): Promise<string[]> {
  const reader = await log.openReader([{ topic, partition: 0, offset: 0 }])
  const records: string[] = []
  for (let next = 0; next < reader.endOffset(0);) {
    const batch: RecordBatch | null = reader.poll(0)
    if (batch === null) {
      await reader.wait(1_000)
      continue
    }
    for (let i = batch.first; i < batch.count; i++) {
      records.push(textOf({ key: batch.key(i), value: batch.value(i), time: batch.time(i) }))
    }
    next = batch.nextOffset
  }
  await reader.close()
  return records
}
