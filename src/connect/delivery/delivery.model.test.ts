/**
 * Whole deliveries on a log and to a destination that fail at random, with restarts and take-overs
 * at any moment: every record is delivered or given up, those of a key in order.
 */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import type { Random } from '../../core/random.ts'
import { faultyLog, seededFaults } from '../../log/log.faulty.ts'
import type { FaultyLog } from '../../log/log.faulty.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { MemoryStore } from '../../log/memory/memory-store.ts'
import { ModelDestination } from '../conformance/model-destination.ts'
import type { DestinationFault, DestinationPlan } from '../conformance/model-destination.ts'
import {
  createOutbox,
  deliverOutbox,
  fill,
  outboxTopic,
  recordsOf,
  until,
  withTime,
} from '../conformance/outbox-case.ts'
import type { OutboxRecord } from '../conformance/outbox-case.ts'
import type { Sink } from '../sink.ts'
import type { DeliveryRun } from './deliver.ts'
import type { DeliveryOptions } from './delivery-options.ts'

interface Case {
  readonly partitions: number
  readonly records: readonly OutboxRecord[]
  readonly options: DeliveryOptions
  readonly plan: DestinationPlan
}

interface Value {
  readonly i: number
  readonly isBad: boolean
}

function caseOf(random: Random): Case {
  const partitions = 1 + random.int(3)
  const keys = 1 + random.int(6)
  const percent = random.int(40)
  const records = Array.from({ length: 20 + random.int(60) }, (_, i): OutboxRecord => {
    const key = random.int(10) === 0 ? null : `k${random.int(keys)}`
    const partition = key === null ? random.int(partitions) : Number(key.slice(1)) % partitions
    return { key, partition, value: { i, isBad: random.int(15) === 0 } satisfies Value }
  })
  const faults: (() => DestinationFault)[] = [
    () => ({ kind: 'fails', when: 'before' }),
    () => ({ kind: 'fails', when: 'after' }),
    () => ({ kind: 'slow', ms: random.int(500) }),
    () => ({ kind: 'hangs' }),
  ]
  return {
    partitions,
    records,
    options: {
      retries: 30,
      backoff: '10ms',
      backoffMax: '50ms',
      timeout: '200ms',
      concurrency: 1 + random.int(4),
      batch: 1 + random.int(5),
      breakAfter: 1 + random.int(5),
    },
    plan: {
      next: () =>
        random.int(100) < percent ? (faults[random.int(faults.length)]?.() ?? null) : null,
      refuses: ({ value }) => (value as Value).isBad,
    },
  }
}

interface Driven {
  readonly destination: ModelDestination
  readonly dead: readonly string[]
  readonly ids: readonly string[]
}

/** Delivers all of it, with runs that are stopped, taken over and fail. */
async function drive(
  seed: number,
  given: Case,
  sinkOf: (destination: ModelDestination) => Sink,
): Promise<Driven> {
  const random = seededRandom(seed * 7 + 1)
  const clock = new VirtualClock(1_700_000_000_000)
  const store = new MemoryStore()
  const log = openMemoryLog({ store, clock })
  await createOutbox(log, given.partitions)
  const faults = seededFaults(seed, { percent: random.int(20), clock, delayMsMax: 50 })
  const logs: FaultyLog[] = []
  const destination = new ModelDestination(clock, given.plan)
  const sink = sinkOf(destination)
  const runs: DeliveryRun[] = []
  const start = async (isLast: boolean): Promise<void> => {
    // A handle of its own for each, as processes have.
    const own = openMemoryLog({ store, clock })
    const flaky = faultyLog(own, faults)
    logs.push(flaky)
    const on = isLast ? own : flaky
    const starting = deliverOutbox(on, sinkOf(destination), { clock, takeOver: true })
    runs.push(await withTime(clock, starting))
  }
  const left = [...given.records]
  const round = 1 + random.int(4)
  for (let i = 0; i < round; i++) {
    await start(false)
    const portion = left.splice(0, Math.ceil(given.records.length / round))
    for (const one of portion) {
      await fill(log, [one])
      if (random.int(4) === 0) clock.advance(random.int(100))
      if (random.int(3) === 0) await systemClock.nextTurn()
    }
    destination.isAway = random.int(5) === 0
    for (let turn = random.int(80); turn > 0; turn--) {
      await systemClock.nextTurn()
      clock.advance(random.int(30))
    }
    destination.isAway = false
    // Else the next one takes over while it still runs.
    if (random.int(2) === 0) await withTime(clock, runs.at(-1)?.stop() ?? Promise.resolve())
  }
  if (left.length > 0) await fill(log, left)
  await start(true)
  const last = runs.at(-1) as DeliveryRun
  await until(clock, () => last.status().backlog === 0, { what: `seed ${seed}: the end` })
  await withTime(clock, last.stop())
  await last.done
  for (const run of runs) {
    const error = await withTime(
      clock,
      run.done.then(
        () => null,
        (thrown: unknown) => thrown,
      ),
    )
    const isOfFault = error === null || isCode(error, 'task-fenced') || isFault(error)
    assert.ok(isOfFault, `seed ${seed}: ${String(error)}`)
  }
  const letters = await recordsOf(log, `${outboxTopic}.dead`)
  const dead = letters.map(
    ({ headers }) => `${outboxTopic}/${headers.get('millrace-partition')}/${offsetOf(headers)}`,
  )
  const violations = logs.flatMap((one) => one.violations)
  assert.deepEqual(violations, [], `seed ${seed}`)
  assert.equal(sink.name, 's')
  const { partitions } = await log.describeTopic(outboxTopic)
  const ids = partitions.flatMap(({ partition, endOffset }) =>
    Array.from({ length: endOffset }, (_, offset) => `${outboxTopic}/${partition}/${offset}`),
  )
  return { destination, dead, ids }
}

function offsetOf(headers: ReadonlyMap<string, string>): string {
  return headers.get('millrace-offset') ?? ''
}

/** What the log was told to throw ended the run before its next try. */
function isFault(thrown: unknown): boolean {
  return ['log-failed', 'log-busy', 'disk-full', 'commit-unknown'].some((code) =>
    isCode(thrown, code as 'log-failed'),
  )
}

function checkCommon(seed: number, { destination, dead, ids }: Driven, given: Case): void {
  const note = `seed ${seed}`
  assert.deepEqual(destination.violations, [], note)
  const received = new Set(destination.received.map(({ id }) => id))
  const isBad = new Set(
    destination.received.filter(({ value }) => (value as Value).isBad).map(({ id }) => id),
  )
  assert.equal(isBad.size, 0, `${note}: what was refused is there`)
  const badCount = given.records.filter(({ value }) => (value as Value).isBad).length
  assert.equal(new Set(dead).size, dead.length, `${note}: a letter twice`)
  assert.equal(dead.length, badCount, `${note}: letters`)
  assert.deepEqual([...received, ...dead].toSorted(), [...ids].toSorted(), note)
}

test('D1 D2 D3 every record is delivered or given up, those of a key in order', async () => {
  let repeats = 0
  let letters = 0
  for (let seed = 0; seed < 120; seed++) {
    const given = caseOf(seededRandom(seed))
    const driven = await drive(seed, given, (destination) => destination.sink('s', given.options))
    checkCommon(seed, driven, given)
    const { received } = driven.destination
    const firsts = new Map<string, number>()
    const seen = new Set<string>()
    for (const { id, key, offset } of received) {
      if (seen.has(id)) {
        repeats += 1
        continue
      }
      seen.add(id)
      if (typeof key !== 'string') continue
      const before = firsts.get(key) ?? -1
      assert.ok(before < offset, `seed ${seed}: key ${key}: ${offset} after ${before}`)
      firsts.set(key, offset)
    }
    letters += driven.dead.length
  }
  assert.ok(repeats > 50, `${repeats} repeats: nothing was tried twice`)
  assert.ok(letters > 50, `${letters} letters`)
})

test('K5 D6 an exactly-once sink has each record once, in order, whoever delivers', async () => {
  let letters = 0
  for (let seed = 0; seed < 120; seed++) {
    const given = caseOf(seededRandom(seed + 1_000))
    const driven = await drive(seed, given, (destination) =>
      destination.transactional('s', given.options),
    )
    checkCommon(seed, driven, given)
    const { received } = driven.destination
    assert.equal(new Set(received.map(({ id }) => id)).size, received.length, `seed ${seed}`)
    const last = new Map<number, number>()
    for (const { partition, offset } of received) {
      assert.ok((last.get(partition) ?? -1) < offset, `seed ${seed}: order`)
      last.set(partition, offset)
    }
    letters += driven.dead.length
  }
  assert.ok(letters > 50, `${letters} letters`)
})
