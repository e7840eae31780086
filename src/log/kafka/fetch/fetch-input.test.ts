import assert from 'node:assert/strict'
import { test } from 'vitest'
import { BatchBuilder } from '../../batch.ts'
import { FetchInput } from './fetch-input.ts'
import { ModelPartition } from '../model/model-partition.ts'

test('a small answer does not hold the large buffer that it came in', () => {
  const partition = new ModelPartition('id', 0, 1)
  partition.write(['a'])
  const bytes = partition.batches[0]?.bytes ?? Buffer.alloc(0)
  const socket = Buffer.alloc(65_536)
  bytes.copy(socket, 100)
  const input = new FetchInput({ topic: 't', partition: 0 }, 0, () => {})
  const records = socket.subarray(100, 100 + bytes.length)
  const part = { topicId: 'id', leaderEpoch: 0, lastEpoch: -1, offset: 0, bytesMax: 1 }
  const answer = partition.read({ ...part, partition: 0 }, 1, true)
  assert.equal(input.heard({ ...answer, records }), 'news')
  socket.fill(0)
  assert.equal(input.bytes, bytes.length)
  assert.equal(input.poll(new BatchBuilder())?.value(0)?.toString(), 'a')
  assert.equal(input.bytes, 0)
})
