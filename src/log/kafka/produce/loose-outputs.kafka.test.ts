import assert from 'node:assert/strict'
import { beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { isCode } from '../../../core/error.ts'
import type { TransactionalProducer } from '../contracts.ts'
import { writeOutputsLoose } from './loose-outputs.ts'
import { faultyCluster, openPlace } from './test-broker.ts'
import type { Fault, Place } from './test-broker.ts'
import { appendOf } from './test-cluster.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

/** Of partition 3: stands for a changelog. */
const inside = 3
let place: Place
beforeAll(async () => {
  if (brokers.length === 0) return
  place = await openPlace(brokers, uniqueName('outputs'))
  return () => place.close()
})

async function open(
  transactionalId: string,
  decide: (name: string) => Fault = () => 'none',
): Promise<TransactionalProducer> {
  const cluster = faultyCluster(place.cluster, decide)
  const options = { ...place.options, cluster, patienceMs: 3_000 }
  const producer = await openTransactionalProducer({
    ...options,
    transactionalId,
    waitFor: 'markers',
  })
  const isInside = ({ partition }: { partition: number }): boolean => partition === inside
  return writeOutputsLoose({ ...options, producer, isInside })
}

async function valuesOf(partition: number): Promise<string[]> {
  return (await place.read(partition)).map((one) => one.slice(one.indexOf(':') + 1))
}

function commit(producer: TransactionalProducer, group: string, n: number): Promise<unknown> {
  const offsets = [{ topic: place.topic, partition: 0, offset: n, metadata: '' }]
  return producer.commit({
    appends: [
      appendOf(place.topic, 0, `${group} ${n}`),
      appendOf(place.topic, inside, `${group} state ${n}`),
    ],
    offsets: () => [{ group, offsets, ownership: null }],
  })
}

kafkaTest('outputs and state are written; receipts are in the order of the appends', async () => {
  const group = uniqueName('outputs')
  const producer = await open(group)
  const appended = await producer.commit({
    appends: [
      appendOf(place.topic, inside, `${group} s`),
      appendOf(place.topic, 1, `${group} a`, `${group} b`),
      appendOf(place.topic, inside, `${group} t`),
    ],
    offsets: (given) => {
      assert.deepEqual(
        given.map(({ partition, recordCount }) => [partition, recordCount]),
        [
          [inside, 1],
          [1, 2],
          [inside, 1],
        ],
      )
      return []
    },
  })
  assert.equal(appended.length, 3)
  assert.ok((await valuesOf(1)).includes(`${group} b`))
  await producer.close()
})

kafkaTest('what dies between outputs and offsets gives outputs again, state once', async () => {
  const group = uniqueName('outputs')
  const first = await open(group, (name) => (name === 'TxnOffsetCommit' ? 'lost-request' : 'none'))
  await assert.rejects(commit(first, group, 1))
  assert.equal(first.isDead, true)
  assert.equal(await place.committed(group, 0), null)
  const heir = await open(group)
  await commit(heir, group, 1)
  await commit(heir, group, 2)
  assert.equal(await place.committed(group, 0), 2)
  const own = async (partition: number): Promise<string[]> =>
    (await valuesOf(partition)).filter((value) => value.startsWith(`${group} `))
  assert.deepEqual(await own(0), [`${group} 1`, `${group} 1`, `${group} 2`])
  assert.deepEqual(await own(inside), [`${group} state 1`, `${group} state 2`])
  await heir.close()
})

kafkaTest('a zombie is fenced: its outputs come, its state and offsets do not', async () => {
  const group = uniqueName('outputs')
  const zombie = await open(group)
  await commit(zombie, group, 1)
  const heir = await open(group)
  await assert.rejects(commit(zombie, group, 9), (error) => isCode(error, 'task-fenced'))
  assert.equal(zombie.isDead, true)
  assert.equal(await place.committed(group, 0), 1)
  assert.ok(!(await valuesOf(inside)).includes(`${group} state 9`))
  await commit(heir, group, 2)
  await heir.close()
  await zombie.close()
})
