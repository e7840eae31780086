import assert from 'node:assert/strict'
import { beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import type { Fetcher } from '../contracts.ts'
import { createFetcher } from '../fetch/fetcher.ts'
import { faultyCluster, openPlace } from '../produce/test-broker.ts'
import type { Fault, Place } from '../produce/test-broker.ts'
import { appendOf } from '../produce/test-cluster.ts'
import { openTransactionalProducer } from '../produce/transactional-producer.ts'
import { keptStateAt } from './kept-state.ts'

let place: Place
let fetcher: Fetcher
beforeAll(async () => {
  if (brokers.length === 0) return
  place = await openPlace(brokers, uniqueName('kept'))
  fetcher = createFetcher(place.cluster)
  return async () => {
    await fetcher.close()
    await place.close()
  }
})

async function commit(partition: number, fault: Fault): Promise<void> {
  const cluster = faultyCluster(place.cluster, (name) =>
    name === 'TxnOffsetCommit' ? fault : 'none',
  )
  const producer = await openTransactionalProducer({
    ...place.options,
    cluster,
    transactionalId: place.topic,
    patienceMs: 2_000,
    waitFor: 'markers',
  })
  const offsets = [{ topic: place.topic, partition: 3, offset: 1, metadata: '' }]
  try {
    await producer.commit({
      appends: [appendOf(place.topic, partition, 'blob')],
      offsets: () => [{ group: place.topic, offsets, ownership: null }],
    })
  } finally {
    await producer.close()
  }
}

function kept(topic: string, partition: number): Promise<number | null> {
  return keptStateAt({ cluster: place.cluster, fetcher }, { topic, partition })
}

kafkaTest('where nothing was written there is no state', async () => {
  assert.equal(await kept(uniqueName('none'), 0), null)
  assert.equal(await kept(place.topic, 99), null)
  assert.equal(await kept(place.topic, 0), null)
})

kafkaTest('what was never committed is no state; the first blob that was is', async () => {
  await assert.rejects(commit(1, 'lost-request'))
  // The next owner ends what was left open.
  await commit(2, 'none')
  assert.ok((await place.stableEnd(1)) > 0, 'an aborted blob is there')
  assert.equal(await kept(place.topic, 1), null)
  const end = await place.stableEnd(1)
  await commit(1, 'none')
  await commit(1, 'none')
  assert.equal(await kept(place.topic, 1), end)
})
