import assert from 'node:assert/strict'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { isCode } from '../../../core/error.ts'
import { BatchBuilder, BlockPool } from '../../batch.ts'
import type { RecordBatch } from '../../batch.ts'
import { compressions } from './compression.ts'
import type { Compression } from './compression.ts'
import { crc32c } from './crc32c.ts'
import { BatchDecoder } from './decode.ts'
import type { AbortedTransaction } from './decode.ts'
import { encodeBlocks, ownBatch, sequenceAfter } from './encode.ts'
import type { EncodedBatch } from './encode.ts'

interface Row {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timeMs: number
  readonly headers: readonly { name: string; value: Uint8Array | null }[]
}

const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 400 }))
const row: fc.Arbitrary<Row> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  timeMs: fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 }),
  headers: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    fc.array(
      fc.record(
        { name: fc.string({ unit: 'grapheme' }), value: fc.option(bytes) },
        { noNullPrototype: true },
      ),
      {
        maxLength: 3,
      },
    ),
  ),
})

function blockOf(rows: readonly Row[]): Uint8Array {
  const builder = new BatchBuilder()
  for (const { key, value, timeMs, headers } of rows) builder.add(key, value, timeMs, headers)
  return builder.finish()
}

/** As a broker stores them: offsets one after the other. */
function stored(batches: readonly EncodedBatch[], firstOffset: number): Buffer {
  let offset = firstOffset
  const parts = batches.map((batch) => {
    ownBatch(batch, { producerId: 7, producerEpoch: 1, baseSequence: 0, isTransactional: false })
    const copy = Buffer.from(batch.bytes)
    copy.writeBigInt64BE(BigInt(offset), 0)
    offset += batch.recordCount
    return copy
  })
  return Buffer.concat(parts)
}

function decoder(
  raw: Buffer,
  fromOffset = 0,
  aborted: readonly AbortedTransaction[] = [],
): BatchDecoder {
  return new BatchDecoder({ topic: 't', partition: 3, bytes: raw, fromOffset, aborted })
}

function all(from: BatchDecoder): (Row & { offset: number })[] {
  const rows: (Row & { offset: number })[] = []
  for (let batch = from.next(); batch !== null; batch = from.next()) {
    for (let i = batch.first; i < batch.count; i++)
      rows.push({ offset: batch.offset(i), ...at(batch, i) })
  }
  return rows
}

function at(batch: RecordBatch, i: number): Row {
  const copy = (range: Uint8Array | null): Uint8Array | null =>
    range === null ? null : new Uint8Array(range)
  return {
    key: copy(batch.key(i)),
    value: copy(batch.value(i)),
    timeMs: batch.time(i),
    headers: batch.headers(i).map(({ name, value }) => ({ name, value: copy(value) })),
  }
}

const blocks = fc.array(fc.array(row, { maxLength: 12 }), { maxLength: 6 })

test('records come back as they were, whatever the compression and the batch size', () => {
  const check = (
    given: Row[][],
    compression: Compression,
    batchBytesMax: number,
    from: number,
  ): void => {
    const { batches, places } = encodeBlocks(given.map(blockOf), { compression, batchBytesMax })
    const first = 40
    const rows = given.flat().map((one, i) => ({ offset: first + i, ...one }))
    const wanted = rows.filter(({ offset }) => offset >= from)
    assert.deepEqual(all(decoder(stored(batches, first), from)), wanted)
    // Each block is where its place says.
    let offset = first
    for (const [b, { batch, record, recordCount }] of places.entries()) {
      assert.equal(recordCount, given[b]?.length)
      if (recordCount === 0) continue
      const before = batches.slice(0, batch).reduce((sum, one) => sum + one.recordCount, first)
      assert.equal(before + record, offset)
      offset += recordCount
    }
    if (compression !== 'none') return
    for (const one of batches) {
      assert.ok(one.bytes.length <= batchBytesMax || one.recordCount === 1, 'too large')
    }
  }
  const options = { numRuns: 300 }
  const property = fc.property(
    blocks,
    fc.constantFrom(...compressions),
    fc.constantFrom(300, 900, 1 << 20),
    fc.integer({ min: 0, max: 60 }),
    check,
  )
  fc.assert(property, options)
})

test('a missing byte leaves whole batches; a changed one is noticed', () => {
  const check = (given: Row[], where: number, bit: number, isCut: boolean): void => {
    const options = { compression: 'none', batchBytesMax: 400 } as const
    const { batches } = encodeBlocks([blockOf(given)], options)
    const raw = stored(batches, 0)
    const wanted = all(decoder(raw))
    const i = where % raw.length
    if (isCut) {
      const found = all(decoder(raw.subarray(0, i)))
      assert.deepEqual(found, wanted.slice(0, found.length))
      return
    }
    raw[i] = (raw[i] as number) ^ (1 << bit)
    const starts = batches.map((_, b) =>
      batches.slice(0, b).reduce((sum, one) => sum + one.bytes.length, 0),
    )
    const inBatch = i - Math.max(...starts.filter((start) => start <= i))
    let found: Row[]
    try {
      found = all(decoder(raw))
    } catch (thrown) {
      assert.ok(isCode(thrown, 'log-damaged'), String(thrown))
      return
    }
    assert.ok(inBatch < 16, `byte ${inBatch} is under the checksum`)
    // The broker's own fields: a wrong offset or length may hide batches, and alters no record.
    const values = wanted.map((one) => JSON.stringify(one.value))
    let from = 0
    for (const { value } of found) {
      from = values.indexOf(JSON.stringify(value), from) + 1
      assert.ok(from > 0, 'a record that was not there')
    }
  }
  const rows = fc.array(row, { minLength: 1, maxLength: 9 })
  fc.assert(fc.property(rows, fc.nat(), fc.nat(7), fc.boolean(), check), { numRuns: 1000 })
})

/** Bytes after the head that pass the checksum, whatever they are. */
function forged(records: Uint8Array, count: number, change: (head: Buffer) => void): Buffer {
  const { batches } = encodeBlocks(
    [blockOf([{ key: null, value: null, timeMs: 0, headers: [] }])],
    {
      compression: 'none',
      batchBytesMax: 1000,
    },
  )
  const head = Buffer.from((batches[0] as EncodedBatch).bytes.subarray(0, 61))
  const raw = Buffer.concat([head, records])
  raw.writeInt32BE(raw.length - 12, 8)
  raw.writeInt32BE(Math.max(0, count - 1), 23)
  raw.writeInt32BE(count, 57)
  change(raw)
  raw.writeUInt32BE(crc32c(raw.subarray(21)), 17)
  return raw
}

test('hostile batches with a right checksum are refused', () => {
  const check = (records: Uint8Array, count: number): void => {
    try {
      all(decoder(forged(records, count, () => {})))
    } catch (thrown) {
      assert.ok(isCode(thrown, 'log-damaged'), String(thrown))
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(5), check), { numRuns: 2000 })
  const none = new Uint8Array()
  const refuses = (raw: Buffer, code: 'log-damaged' | 'unsupported-codec'): void =>
    assert.throws(
      () => all(decoder(raw)),
      (thrown) => isCode(thrown, code) && thrown.at.topic === 't' && thrown.at.partition === 3,
    )
  refuses(
    forged(none, 1, () => {}),
    'log-damaged',
  )
  refuses(
    forged(none, 1 << 30, () => {}),
    'log-damaged',
  )
  refuses(
    forged(none, 0, (head) => void (head[16] = 1)),
    'log-damaged',
  )
  refuses(
    forged(none, 0, (head) => void head.writeInt32BE(-2, 23)),
    'log-damaged',
  )
  refuses(
    forged(none, 1, (head) => void head.writeInt16BE(6, 21)),
    'unsupported-codec',
  )
  for (const codec of [1, 2, 3, 4]) {
    const junk = Buffer.from('this was never compressed')
    refuses(
      forged(junk, 1, (head) => void head.writeInt16BE(codec, 21)),
      'log-damaged',
    )
  }
})

test('aborted and control records are passed over, as a plain reading of the log has it', () => {
  interface Step {
    readonly producer: number
    readonly kind: 'data' | 'commit' | 'abort' | 'plain'
  }
  const step: fc.Arbitrary<Step> = fc.record({
    producer: fc.nat(2),
    kind: fc.constantFrom('data', 'data', 'commit', 'abort', 'plain'),
  })
  const check = (steps: Step[]): void => {
    const parts: Buffer[] = []
    const open = new Map<number, number[]>()
    const aborted: AbortedTransaction[] = []
    const visible: number[] = []
    steps.forEach(({ producer, kind }, offset) => {
      const isControl = kind === 'commit' || kind === 'abort'
      const control = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])
      const one = { key: isControl ? control : null, value: control, timeMs: 0, headers: [] }
      const { batches } = encodeBlocks([blockOf([one])], {
        compression: 'none',
        batchBytesMax: 999,
      })
      const batch = batches[0] as EncodedBatch
      const isTransactional = kind !== 'plain'
      ownBatch(batch, { producerId: producer, producerEpoch: 0, baseSequence: 0, isTransactional })
      const raw = Buffer.from(batch.bytes)
      raw.writeBigInt64BE(BigInt(offset), 0)
      if (isControl) raw.writeInt16BE(raw.readInt16BE(21) | 32, 21)
      raw.writeUInt32BE(crc32c(raw.subarray(21)), 17)
      parts.push(raw)
      const mine = open.get(producer) ?? []
      if (kind === 'plain') visible.push(offset)
      if (kind === 'data') open.set(producer, [...mine, offset])
      if (isControl) open.delete(producer)
      if (kind === 'commit') visible.push(...mine)
      if (kind === 'abort' && mine.length > 0) {
        aborted.push({ producerId: producer, firstOffset: mine[0] ?? 0 })
      }
    })
    // What is still open lies beyond the last stable offset and is not in an answer.
    const stable = Math.min(steps.length, ...[...open.values()].map(([first = 0]) => first))
    const reading = decoder(Buffer.concat(parts.slice(0, stable)), 0, aborted)
    const offsets = all(reading).map(({ offset }) => offset)
    assert.deepEqual(
      offsets,
      visible.filter((offset) => offset < stable).toSorted((a, b) => a - b),
    )
    assert.equal(reading.position, stable)
  }
  fc.assert(fc.property(fc.array(step, { maxLength: 14 }), check), { numRuns: 500 })
})

test('many small batches become one', () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    key: null,
    value: Buffer.from(String(i)),
    timeMs: i,
    headers: [],
  }))
  const { batches } = encodeBlocks(
    rows.map((one) => blockOf([one])),
    {
      compression: 'none',
      batchBytesMax: 80,
    },
  )
  assert.equal(batches.length, 50)
  const reading = decoder(stored(batches, 10))
  const batch = reading.next()
  assert.equal(batch?.count, 50)
  assert.equal(batch?.nextOffset, 60)
  assert.equal(reading.next(), null)
})

test('sequence numbers begin anew after 2^31 - 1', () => {
  assert.equal(sequenceAfter(0, 5), 5)
  assert.equal(sequenceAfter(2 ** 31 - 1, 1), 0)
})

test.each(compressions)('%s: what does not become smaller is written as it is', (compression) => {
  const builder = new BatchBuilder()
  builder.add(null, randomBytes(100_000), 1)
  const [batch] = encodeBlocks([builder.finish()], { compression, batchBytesMax: 1 << 20 }).batches
  expect(batch?.bytes.length).toBeLessThan(100_200)
})

test('memory from a pool is given back, and holds the next batches unharmed', () => {
  const pool = new BlockPool(1 << 20)
  const block = (text: string): Uint8Array => {
    const builder = new BatchBuilder()
    for (let i = 0; i < 500; i++) builder.add(`k${i}`, `${text} ${i}`, i)
    return builder.finish()
  }
  const options = { compression: 'none', batchBytesMax: 1 << 20, pool } as const
  const [first] = encodeBlocks([block('first')], options).batches
  const kept = Buffer.from(first?.bytes ?? [])
  pool.give(first?.bytes.buffer as ArrayBuffer)
  const [second] = encodeBlocks([block('other')], options).batches
  expect(second?.bytes.buffer).toBe(first?.bytes.buffer)
  const [again] = encodeBlocks([block('first')], { ...options, pool: null }).batches
  // Before it lies what its owner fills in.
  expect(again?.bytes.subarray(57).equals(kept.subarray(57))).toBe(true)
})
