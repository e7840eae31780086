import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import { RecordBatch } from '../log/batch.ts'
import { SourceBlocks } from './source-blocks.ts'
import type { SourceRecord } from './source.ts'

const record = (value: string, more: Partial<SourceRecord> = {}): SourceRecord => ({
  key: null,
  value,
  time: 1,
  partition: 0,
  ...more,
})

function valuesOf(blocks: ReturnType<SourceBlocks['of']>): string[] {
  return blocks.flatMap(({ topic, partition, bytes }) => {
    const batch = new RecordBatch(topic, partition, 0, bytes)
    return Array.from({ length: batch.count }, (_, i) => `${partition}: ${batch.value(i)}`)
  })
}

test('within a partition records keep their order', () => {
  const blocks = new SourceBlocks('t', 2)
  const records = [record('a'), record('b', { partition: 1 }), record('c')]
  assert.deepEqual(valuesOf(blocks.of(records)), ['0: a', '0: c', '1: b'])
})

test('of a batch that is refused nothing is in the next one', () => {
  const blocks = new SourceBlocks('t', 2)
  assert.throws(
    () => blocks.of([record('a'), record('b', { partition: 1 }), record('c', { partition: 2 })]),
    (thrown) => isCode(thrown, 'unknown-partition'),
  )
  assert.throws(
    () => blocks.of([record('d'), record('e', { time: Number.NaN })]),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
  assert.deepEqual(valuesOf(blocks.of([record('f')])), ['0: f'])
})
