import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import { RecordBatch } from '../log/batch.ts'
import type { AppendBatch } from '../log/log.ts'
import { Outputs } from './outputs.ts'

const topics = [
  { name: 'a', partitionCount: 2, recordBytesMax: 100, compact: false },
  { name: 'b', partitionCount: 1, recordBytesMax: 100, compact: false },
]

function open(): Outputs {
  const outputs = new Outputs()
  for (const topic of topics) outputs.declare(topic)
  outputs.declare({ ...(topics[0] as (typeof topics)[0]), partitionCount: 7 }) // twice is harmless
  return outputs
}

/** `topic/partition: key=value@time …` */
function shown(blocks: readonly AppendBatch[]): string[] {
  const lines = new Map<string, string[]>()
  for (const { topic, partition, bytes } of blocks) {
    const batch = new RecordBatch(topic, partition, 0, bytes)
    const line = lines.get(`${topic}/${partition}`) ?? []
    lines.set(`${topic}/${partition}`, line)
    for (let i = 0; i < batch.count; i++) {
      const names = batch.headers(i).map((header) => `+${header.name}`)
      line.push(
        `${batch.key(i) ?? 'null'}=${batch.value(i) ?? 'null'}@${batch.time(i)}${names.join('')}`,
      )
    }
  }
  return [...lines].map(([place, line]) => `${place}: ${line.join(' ')}`).toSorted()
}

const record = (value: string) => ({ key: null, value, timeMs: 1 })

test('what a record added to several partitions is taken back; what was before stands', () => {
  const outputs = open()
  outputs.begin()
  outputs.add('a', 0, { key: 'k', value: '1', timeMs: 5 })
  outputs.add('b', 0, record('2'))
  outputs.begin()
  outputs.add('a', 0, record('bad'))
  outputs.add('a', 0, { ...record('bad'), headers: [{ name: 'h', value: null }] })
  outputs.add('a', 1, record('bad'))
  outputs.add('b', 0, record('bad'))
  assert.equal(outputs.recordCount, 6)
  outputs.undo()
  outputs.undo()
  assert.equal(outputs.recordCount, 2)
  outputs.add('a', 1, record('3'))
  assert.deepEqual(shown(outputs.take()), ['a/0: k=1@5', 'a/1: null=3@1', 'b/0: null=2@1'])
  assert.deepEqual(outputs.take(), [])
  assert.equal(outputs.recordCount, 0)
})

test('blocks are cut at 500 records, between records only, and keep their order', () => {
  const outputs = open()
  for (let i = 0; i < 1201; i++) {
    outputs.begin()
    outputs.add('a', 0, record(String(i)))
  }
  assert.ok(outputs.blockBytes > 0)
  const blocks = outputs.take()
  assert.deepEqual(
    blocks.map(({ bytes }) => new RecordBatch('a', 0, 0, bytes).count),
    [500, 500, 201],
  )
  const all = Array.from({ length: 1201 }, (_, i) => `null=${i}@1`).join(' ')
  assert.deepEqual(shown(blocks), [`a/0: ${all}`])
  assert.equal(outputs.blockBytes, 0)
})

test('one record may give more than a block holds, and still be taken back as one', () => {
  const outputs = open()
  outputs.begin()
  outputs.add('a', 0, record('stays'))
  outputs.begin()
  for (let i = 0; i < 1100; i++) outputs.add('a', 0, record('bad'))
  outputs.undo()
  outputs.begin()
  for (let i = 0; i < 600; i++) outputs.add('a', 0, record('x'))
  const blocks = outputs.take()
  assert.deepEqual(
    blocks.map(({ bytes }) => new RecordBatch('a', 0, 0, bytes).count),
    [601],
  )
})

test('a record that is too large is refused with its size, and undone with the rest', () => {
  const outputs = open()
  outputs.begin()
  outputs.add('a', 0, record('x'.repeat(100))) // exactly the limit
  outputs.begin()
  outputs.add('b', 0, record('with it'))
  assert.throws(
    () => outputs.add('a', 0, { key: 'k', value: 'x'.repeat(100), timeMs: 1 }),
    (thrown) => isCode(thrown, 'record-too-large') && /101 bytes/.test(thrown.message),
  )
  outputs.undo()
  assert.deepEqual(shown(outputs.take()), [`a/0: null=${'x'.repeat(100)}@1`])
})

test('unknown topics and partitions are faults of the engine', () => {
  const outputs = open()
  assert.throws(
    () => outputs.add('c', 0, record('')),
    (thrown) => isCode(thrown, 'assertion-failed'),
  )
  assert.throws(
    () => outputs.add('a', 2, record('')),
    (thrown) => isCode(thrown, 'assertion-failed'),
  )
})

test('O4 random records, undone or not, with takes in between, leave those that stand', () => {
  const place = fc.constantFrom<[string, number]>(['a', 0], ['a', 1], ['b', 0])
  const one = fc.record({
    adds: fc.array(place, { maxLength: 4 }),
    end: fc.constantFrom('stand', 'stand', 'undo', 'take'),
    withHeader: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), (records) => {
      const outputs = open()
      const blocks: AppendBatch[] = []
      const model = new Map<string, string[]>()
      for (const [n, { adds, end, withHeader }] of records.entries()) {
        outputs.begin()
        for (const [topic, partition] of adds) {
          const headers = withHeader ? [{ name: 'h', value: null }] : []
          outputs.add(topic, partition, { ...record(String(n)), headers })
          if (end === 'undo') continue
          const key = `${topic}/${partition}`
          model.set(key, [...(model.get(key) ?? []), `null=${n}@1${withHeader ? '+h' : ''}`])
        }
        if (end === 'undo') outputs.undo()
        if (end === 'take') blocks.push(...outputs.take())
      }
      blocks.push(...outputs.take())
      const expected = [...model].map(([key, line]) => `${key}: ${line.join(' ')}`).toSorted()
      assert.deepEqual(shown(blocks), expected)
    }),
  )
})
