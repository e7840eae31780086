/**
 * Random commits whose requests and answers get lost or come late; a reader of its own looks
 * whether each is there as its outcome said: whole or not at all, once, in order.
 */
import assert from 'node:assert/strict'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { systemClock } from '../../../core/clock.ts'
import { isCode } from '../../../core/error.ts'
import { seededRandom, systemRandom } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import type { AppendBatch, Appended } from '../../log.ts'
import type { TransactionalProducer } from '../contracts.ts'
import { faultyCluster, openPlace, randomFaults } from './test-broker.ts'
import type { Fault, Place } from './test-broker.ts'
import { appendOf } from './test-cluster.ts'
import { openTransactionalProducer } from './transactional-producer.ts'
import type { TransactionProtocol } from './transaction-calls.ts'

const partitions = 3
const commits = 120
const kinds: readonly Fault[] = ['lost-request', 'lost-answer', 'late']

interface Done {
  readonly index: number
  readonly outcome: 'committed' | 'not-applied' | 'unknown'
  /** By partition. */
  readonly values: readonly (readonly string[])[]
  readonly appended: readonly Appended[]
}

function draw(random: Random, topic: string, index: number): [AppendBatch[], string[][]] {
  const values: string[][] = Array.from({ length: partitions }, () => [])
  const appends: AppendBatch[] = []
  for (let n = random.int(5); n > 0; n--) {
    const partition = random.int(partitions)
    const list = Array.from(
      { length: 1 + random.int(4) },
      (_, i) => `${index}.${appends.length}.${i}`,
    )
    appends.push(appendOf(topic, partition, ...list))
    values[partition]?.push(...list)
  }
  return [appends, values]
}

async function run(place: Place, seed: number, protocol: TransactionProtocol): Promise<void> {
  const random = seededRandom(seed)
  const faults = randomFaults(random, kinds, 6)
  const cluster = faultyCluster(place.cluster, faults.decide, () => random.int(60))
  const group = uniqueName('produce')
  const options = { ...place.options, cluster, transactionalId: group, protocol, patienceMs: 5_000 }
  const done: Done[] = []
  let producer: TransactionalProducer | null = null
  for (let index = 0; index < commits; index++) {
    const [appends, values] = draw(random, place.topic, index)
    const offsets = [{ topic: place.topic, partition: 0, offset: index + 1, metadata: '' }]
    try {
      if (producer === null || producer.isDead) producer = await openTransactionalProducer(options)
      const appended = await producer.commit({
        appends,
        offsets: () => [{ group, offsets, ownership: null }],
      })
      done.push({ index, outcome: 'committed', values, appended })
    } catch (error) {
      const isUnknown = isCode(error, 'commit-unknown')
      const isKnown =
        isCode(error, 'task-fenced') ||
        isCode(error, 'log-failed') ||
        isCode(error, 'log-unreachable')
      assert.ok(isUnknown || isKnown, String(error))
      done.push({ index, outcome: isUnknown ? 'unknown' : 'not-applied', values, appended: [] })
    }
  }
  await cluster.settled()
  // Whatever is left open is ended by an heir.
  const heir = await openTransactionalProducer({ ...options, cluster: place.cluster })
  await heir.close()
  assert.ok(faults.count() > 30, `only ${faults.count()} faults`)
  const committed = done.filter(({ outcome }) => outcome === 'committed').length
  assert.ok(committed > commits * 0.4, `only ${committed} of ${commits} commits`)
  await check(place, done, group)
}

async function check(place: Place, done: readonly Done[], group: string): Promise<void> {
  const reads = await Promise.all([0, 1, 2].map((partition) => place.read(partition)))
  const seen = reads.map((read) => read.map((one) => one.slice(one.indexOf(':') + 1)))
  const wanted: string[][] = Array.from({ length: partitions }, () => [])
  const committed = await place.committed(group, 0)
  let last: number | null = null
  for (const { index, outcome, values, appended } of done) {
    const isThere = values.map((list, p) => list.every((value) => seen[p]?.includes(value)))
    const isEmpty = values.every((list) => list.length === 0)
    // Of a commit without records only the offset tells; a later one hides it.
    const wasDone =
      outcome === 'unknown'
        ? isEmpty
          ? committed === index + 1
          : isThere.every(Boolean)
        : outcome === 'committed'
    if (wasDone) {
      for (const [p, list] of values.entries()) wanted[p]?.push(...list)
      last = index + 1
    }
    for (const { partition, baseOffset } of appended) {
      assert.ok(reads[partition]?.some((one) => one.startsWith(`${baseOffset}:${index}.`)))
    }
  }
  assert.deepEqual(seen, wanted)
  assert.equal(committed, last)
}

const seeds = [1, 2, systemRandom.int(1 << 30)]

for (const protocol of ['part-1', 'part-2'] as const) {
  for (const seed of seeds) {
    kafkaTest(`L1 ${protocol}: outcomes are what they say, seed ${seed}`, async () => {
      const place = await openPlace(brokers, uniqueName('produce'), { partitions })
      const startMs = systemClock.monotonic()
      await run(place, seed, protocol)
      assert.ok(systemClock.monotonic() - startMs < 50_000)
      await place.close()
    })
  }
}
