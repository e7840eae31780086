import assert from 'node:assert/strict'
import { test } from 'vitest'
import { errorCode } from '../wire/error-codes.ts'
import type { ProduceBatch } from '../wire/requests/produce.ts'
import { appendOf, TestCluster, testOptions } from './test-cluster.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

/** Each is a batch of its own. */
const appends = ['a', 'b', 'c'].map((letter) => appendOf('t', 0, letter.repeat(900)))

async function commit(cluster: TestCluster): Promise<number[]> {
  const limits = { recordBytesMax: 1_000, batchBytesMax: 1_200, isCompacted: false }
  const producer = await openTransactionalProducer({
    ...testOptions(cluster),
    limits: () => Promise.resolve(limits),
    transactionalId: 'x',
    patienceMs: 10_000,
  })
  const appended = await producer.commit({ appends, offsets: () => [] })
  return appended.map(({ baseOffset }) => baseOffset)
}

/** Sequence of the batch of each request. */
function sequences(cluster: TestCluster): number[] {
  return cluster.sent.flatMap(({ name, request }) =>
    name === 'Produce'
      ? (request['batches'] as ProduceBatch[]).map(({ bytes }) => bytes.readInt32BE(53))
      : [],
  )
}

test('L3 what fails behind a batch that failed comes again with it, in order', async () => {
  const cluster = new TestCluster()
  // The broker refuses what has a gap before it.
  const gap = errorCode.outOfOrderSequenceNumber
  cluster.script.set('Produce', [errorCode.notEnoughReplicas, gap, gap])
  assert.deepEqual(await commit(cluster), [0, 1, 2])
  assert.deepEqual(sequences(cluster), [0, 1, 2, 0, 1, 2])
})

test('L3 what came through before one that failed is not sent again', async () => {
  const cluster = new TestCluster()
  const gap = errorCode.outOfOrderSequenceNumber
  cluster.script.set('Produce', [0, errorCode.notLeaderOrFollower, gap])
  assert.deepEqual(await commit(cluster), [0, 1, 2])
  assert.deepEqual(sequences(cluster), [0, 1, 2, 1, 2])
})
