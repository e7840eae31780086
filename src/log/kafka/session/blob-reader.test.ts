/** Blobs put together from records: whole, in order, and never more than may be. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { BatchBuilder, RecordBatch } from '../../batch.ts'
import type { FetchSet } from '../contracts.ts'
import { BlobReader, ends, goesOn } from './blob-reader.ts'

/** A set that gives these records, one in a batch. */
function setOf(records: readonly (readonly [Uint8Array, string])[]): FetchSet {
  const batches = records.map(([key, value], offset) => {
    const builder = new BatchBuilder()
    builder.add(key, value, 0)
    return new RecordBatch('changelog', 0, offset, builder.finish())
  })
  const set: Partial<FetchSet> = { poll: () => batches.shift() ?? null }
  return set as FetchSet
}

test('a blob of several records is put together, and its place is that of its records', () => {
  const reader = new BlobReader(
    setOf([
      [goesOn, 'ab'],
      [ends, 'c'],
      [ends, 'd'],
    ]),
    0,
  )
  const found = [reader.poll(), reader.poll()].map(
    (blob) => blob && `${blob.base}-${blob.to} ${Buffer.from(blob.bytes).toString()}`,
  )
  assert.deepEqual(found, ['0-2 abc', '2-3 d'])
  assert.equal(reader.poll(), null)
})

test('O3 records that go on without end are refused at the limit, each blob by itself', () => {
  const reader = new BlobReader(
    setOf([[ends, 'abcd'], [ends, 'efgh'], ...Array(100).fill([goesOn, 'x'] as const)]),
    0,
    4,
  )
  assert.equal(reader.poll()?.bytes.length, 4)
  assert.equal(reader.poll()?.bytes.length, 4)
  assert.throws(() => reader.poll(), {
    code: 'state-corrupt',
    message: /from offset 2 on has no end within 4 bytes/,
  })
  assert.equal(reader.position, 7)
})
