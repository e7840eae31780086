/**
 * The suite that every sink passes, as data: a runner makes one test of each case.
 * `defineSinkConformance(test, subject)` does so with vitest's or node's `test`. The sink is fed by
 * the real delivery, from a log in memory; time is the machine's, as the destination may be real.
 */
import assert from 'node:assert/strict'
import { systemClock } from '../core/clock.ts'
import { seededRandom, systemRandom } from '../core/random.ts'
import type { Log } from '../log/log.ts'
import { createOutbox, fill, outboxTopic, recordsOf } from './conformance/outbox-case.ts'
import type { OutboxRecord } from './conformance/outbox-case.ts'
import { deliver } from './delivery/deliver.ts'
import type { DeliveryRun } from './delivery/deliver.ts'
import type { Sink } from './sink.ts'

/** What the cases prove: what a sink owes by its contract. */
export const sinkSubjects = {
  K1: 'what was delivered is in the destination, those of a key in order',
  K2: 'what is delivered again does no harm',
  K3: 'it says what failed',
  K4: 'it ends when its signal fires, and lets go of what it holds',
  K5: 'exactly once, whoever delivers',
} as const

export type SinkCaseId = keyof typeof sinkSubjects

/** What a destination was given, as far as it can be read back. */
export interface Arrived {
  /** The number in the record's value. */
  readonly n: number
  /** The record's key as text, where the destination has it; else null. */
  readonly key: string | null
}

/** A value of the suite. What has `isBad` the destination shall refuse, if it can refuse at all. */
export interface ConformanceValue {
  readonly n: number
  readonly key: string
  readonly isBad: boolean
}

/** A sink, as the suite needs it. One subject is one destination, which stays over a case. */
export interface SinkSubject {
  readonly name: string
  /**
   * A sink named `s` for values like `{ n: 1, key: 'a', isBad: false }`, with few retries and short
   * pauses: `{ retries: 2, backoff: '10ms', backoffMax: '50ms', timeout: '2s' }`. Called for each
   * process that a case plays.
   */
  sink(): Sink<ConformanceValue, string>
  /** Empties the destination, and makes it ready. Called before each case. */
  begin(): Promise<void>
  /** What has arrived since `begin`: in order, with repeats where they can be told. */
  arrived(): Promise<readonly Arrived[]>
  /**
   * Takes the destination away, and brings it back with what it had; null: the suite cannot. It is
   * called while records are delivered.
   */
  readonly outage: { stop(): Promise<void>; start(): Promise<void> } | null
  /** Whether it refuses values with `isBad`. */
  readonly refuses: boolean
  /** Whether repeats leave no trace: what has the id of a record before is not there twice. */
  readonly knowsIds: boolean
  /** A new log, empty; each call of what is given opens a handle on it, as each process does. */
  newLog(): () => Log
  /** Longest time that a case may take, ms. Default 20,000. */
  readonly limitMs?: number
}

export interface SinkCase {
  readonly id: SinkCaseId
  /** Starts with the id. */
  readonly title: string
  readonly needs: 'any' | 'refuses' | 'outage' | 'exactly-once' | 'ids'
  run(subject: SinkSubject): Promise<void>
}

export const sinkConformance: readonly SinkCase[] = [
  {
    id: 'K1',
    title: 'K1 every record arrives, those of a key in order',
    needs: 'any',
    async run(subject) {
      const bench = await begin(subject)
      await fill(bench.log, values(200))
      await bench.deliverAll()
      checkArrived(await subject.arrived(), 200)
    },
  },
  {
    id: 'K1',
    title: 'K1 nothing counts as delivered before it has arrived',
    needs: 'any',
    async run(subject) {
      const bench = await begin(subject)
      await fill(bench.log, values(100))
      const run = await bench.start()
      await bench.until(() => run.status().delivered > 0)
      const { delivered } = run.status()
      const count = distinct(await subject.arrived())
      assert.ok(count >= delivered, `${delivered} were delivered, ${count} have arrived`)
      await run.stop()
    },
  },
  {
    id: 'K2',
    title: 'K2 what is delivered again is there once',
    needs: 'ids',
    async run(subject) {
      const bench = await begin(subject)
      await fill(bench.log, values(50))
      await bench.deliverAll()
      await bench.log.deleteGroup(group) // nobody knows any more what was delivered
      await bench.deliverAll()
      assert.deepEqual(numbersOf(await subject.arrived()), numbers(50))
    },
  },
  {
    id: 'K3',
    title: 'K3 a record that is refused becomes a dead letter, the others arrive',
    needs: 'refuses',
    async run(subject) {
      const bench = await begin(subject)
      await fill(bench.log, values(30, { bad: new Set([7, 8, 29]) }))
      await bench.deliverAll()
      const letters = await recordsOf(bench.log, `${outboxTopic}.dead`)
      const reasons = letters.map(({ headers }) => headers.get('millrace-reason'))
      assert.deepEqual(reasons, ['sink-refused', 'sink-refused', 'sink-refused'])
      const wanted = numbers(30).filter((n) => n !== 7 && n !== 8 && n !== 29)
      assert.deepEqual([...new Set(numbersOf(await subject.arrived()))], wanted)
    },
  },
  {
    id: 'K3',
    title: 'K3 a destination that is away costs no record a try',
    needs: 'outage',
    async run(subject) {
      const bench = await begin(subject)
      const outage = subject.outage as NonNullable<SinkSubject['outage']>
      await fill(bench.log, values(20))
      const run = await bench.start()
      await bench.until(() => run.status().backlog === 0)
      await outage.stop()
      await fill(bench.log, values(20, { from: 20 }))
      await bench.until(() => run.status().failures >= 2)
      assert.equal(run.status().dead, 0)
      await outage.start()
      await bench.until(() => run.status().backlog === 0)
      await run.stop()
      assert.deepEqual(await recordsOf(bench.log, `${outboxTopic}.dead`), [])
      checkArrived(await subject.arrived(), 40)
    },
  },
  {
    id: 'K3',
    title: 'K3 a destination that goes in the middle of it loses nothing',
    needs: 'outage',
    async run(subject) {
      const bench = await begin(subject)
      const outage = subject.outage as NonNullable<SinkSubject['outage']>
      for (let from = 0; from < 400; from += 50) await fill(bench.log, values(50, { from }))
      const run = await bench.start()
      await bench.until(() => run.status().delivered > 0)
      await outage.stop()
      await outage.start()
      await bench.until(() => run.status().backlog === 0)
      await run.stop()
      assert.equal(run.status().dead, 0)
      checkArrived(await subject.arrived(), 400)
    },
  },
  {
    id: 'K4',
    title: 'K4 a run that ends lets go, and another one goes on where it was',
    needs: 'any',
    async run(subject) {
      const bench = await begin(subject)
      for (let from = 0; from < 300; from += 50) {
        await fill(bench.log, values(50, { from }))
        const run = await bench.start()
        await bench.until(() => run.status().delivered > 0 || run.status().backlog === 0)
        await run.stop()
        await run.done
      }
      await bench.deliverAll()
      checkArrived(await subject.arrived(), 300)
    },
  },
  {
    id: 'K4',
    title: 'K4 a try whose signal has fired already ends, and so does the sink',
    needs: 'any',
    async run(subject) {
      const bench = await begin(subject)
      const sink = subject.sink()
      const stopped = new AbortController()
      stopped.abort(new Error('the time is over'))
      const context = { clock: systemClock, random: systemRandom, signal: stopped.signal }
      const trying = (async () => {
        const connection = await sink.open({ ...context, signal: new AbortController().signal })
        const attempt = { number: 1, signal: stopped.signal }
        const record = {
          id: `${outboxTopic}/0/0`,
          key: 'a',
          value: { n: 0, key: 'a', isBad: false },
          time: 0,
          topic: outboxTopic,
          partition: 0,
          offset: 0,
        }
        const ended =
          'deliver' in connection
            ? connection.deliver([record], attempt)
            : connection
                .take({ topic: outboxTopic, partition: 0, epoch: 1 }, attempt)
                .then((partition) => partition.write([record], 1, attempt))
        await ended.catch(() => {})
        await connection.close()
      })()
      let isOver = false
      trying.finally(() => (isOver = true)).catch(() => {})
      await bench.until(() => isOver)
      await trying
    },
  },
  {
    id: 'K5',
    title: 'K5 each record is there once, though runs are taken over in the middle',
    needs: 'exactly-once',
    async run(subject) {
      const bench = await begin(subject)
      const random = seededRandom(5)
      const runs: DeliveryRun[] = []
      for (let from = 0; from < 400; from += 40) {
        await fill(bench.log, values(40, { from }))
        const run = await bench.start('take over')
        runs.push(run)
        const wanted = random.int(30)
        await bench.until(() => run.status().delivered >= wanted || run.status().backlog === 0)
      }
      const last = await bench.start('take over')
      await bench.until(() => last.status().backlog === 0)
      await Promise.all([...runs, last].map((run) => run.stop()))
      await last.done
      assert.deepEqual(numbersOf(await subject.arrived()), numbers(400))
      checkArrived(await subject.arrived(), 400)
    },
  },
  {
    id: 'K5',
    title: 'K5 who was taken over writes nothing any more',
    needs: 'exactly-once',
    async run(subject) {
      await begin(subject)
      const sink = subject.sink()
      assert.ok(sink.guarantee === 'exactly-once')
      const attempt = { number: 1, signal: new AbortController().signal }
      const context = { clock: systemClock, random: systemRandom, signal: attempt.signal }
      const [earlier, later] = await Promise.all([sink.open(context), sink.open(context)])
      const place = { topic: outboxTopic, partition: 0 }
      const first = await earlier.take({ ...place, epoch: 3 }, attempt)
      const second = await later.take({ ...place, epoch: 4 }, attempt)
      const record = (n: number) => ({
        id: `${outboxTopic}/0/${n}`,
        key: 'a',
        value: { n, key: 'a', isBad: false },
        time: 0,
        ...place,
        offset: n,
      })
      await assert.rejects(first.write([record(0)], 1, attempt), isFenced)
      await second.write([record(0)], 1, attempt)
      await assert.rejects(first.write([record(1)], 2, attempt), isFenced)
      await assert.rejects(earlier.take({ ...place, epoch: 3 }, attempt), isFenced)
      const heir = await later.take({ ...place, epoch: 5 }, attempt)
      assert.equal(heir.position, 1)
      await heir.write([], 7, attempt)
      assert.equal((await later.take({ ...place, epoch: 6 }, attempt)).position, 7)
      await Promise.all([earlier.close(), later.close()])
      assert.deepEqual(numbersOf(await subject.arrived()), [0])
    },
  },
]

/** What a test runner offers: `test(title, run)` and `test.skip`. */
export interface TestFunction {
  (title: string, run: () => Promise<void>): unknown
  skip(title: string, run: () => Promise<void>): unknown
}

/** Makes one test of each case; one that does not fit the sink is skipped, its title says why. */
export function defineSinkConformance(test: TestFunction, subject: SinkSubject): void {
  for (const one of sinkConformance) {
    const run = (): Promise<void> => one.run(subject)
    const title = `${subject.name}: ${one.title}`
    const lack = lackOf(subject, one.needs)
    if (lack === null) test(title, run)
    else test.skip(`${title} [skipped: ${lack}]`, run)
  }
}

function lackOf(subject: SinkSubject, needs: SinkCase['needs']): string | null {
  if (needs === 'refuses' && !subject.refuses) return 'the destination refuses nothing'
  if (needs === 'outage' && subject.outage === null) return 'the destination is never away'
  if (needs === 'ids' && !subject.knowsIds) return 'the destination cannot tell repeats'
  const isOnce = subject.sink().guarantee === 'exactly-once'
  return needs === 'exactly-once' && !isOnce ? 'the sink is at-least-once' : null
}

const group = 'p.s.delivery'
const limitMsDefault = 20_000
const keyCount = 5

interface Bench {
  readonly log: Log
  /** Starts a process's delivery, with a handle on the log of its own. */
  start(how?: 'take over'): Promise<DeliveryRun>
  /** Delivers what is there, and ends. */
  deliverAll(): Promise<void>
  until(isSo: () => boolean): Promise<void>
}

async function begin(subject: SinkSubject): Promise<Bench> {
  await subject.begin()
  const openLog = subject.newLog()
  const log = openLog()
  await createOutbox(log)
  const endMs = systemClock.monotonic() + (subject.limitMs ?? limitMsDefault)
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) {
      assert.ok(systemClock.monotonic() < endMs, 'the case takes too long')
      await new Promise<void>((resolve) => void systemClock.after(5, resolve))
    }
  }
  const start = async (how?: 'take over'): Promise<DeliveryRun> =>
    await deliver(
      { pipeline: 'p', sink: subject.sink(), topic: outboxTopic, group },
      {
        log: openLog(),
        clock: systemClock,
        random: systemRandom,
        takeOver: how === 'take over',
        notify: () => {},
      },
    )
  return {
    log,
    start,
    until,
    async deliverAll() {
      const run = await start()
      await until(() => run.status().backlog === 0)
      await run.stop()
      await run.done
    },
  }
}

function values(
  count: number,
  { from = 0, bad = new Set<number>() }: { from?: number; bad?: ReadonlySet<number> } = {},
): OutboxRecord[] {
  return numbers(count, from).map((n) => {
    const key = `k${n % keyCount}`
    return { key, value: { n, key, isBad: bad.has(n) } satisfies ConformanceValue }
  })
}

function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}

function numbersOf(arrived: readonly Arrived[]): number[] {
  return arrived.map(({ n }) => n).toSorted((a, b) => a - b)
}

function distinct(arrived: readonly Arrived[]): number {
  return new Set(numbersOf(arrived)).size
}

/** All of them; of each key the first arrivals in order. */
function checkArrived(arrived: readonly Arrived[], count: number): void {
  assert.deepEqual([...new Set(numbersOf(arrived))], numbers(count))
  const last = new Map<string, number>()
  const seen = new Set<number>()
  for (const { n, key } of arrived) {
    if (seen.has(n) || key === null) continue
    seen.add(n)
    const before = last.get(key) ?? -1
    assert.ok(before < n, `of key ${key}, ${n} arrived after ${before}`)
    last.set(key, n)
  }
}

function isFenced(thrown: unknown): boolean {
  assert.equal((thrown as { code?: unknown }).code, 'task-fenced', String(thrown))
  return true
}
