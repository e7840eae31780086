/** Blocks of records as a log stores them, and headers. */
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import { BatchBuilder, encodeHeaders, RecordBatch } from '../../../src/log/batch.ts'
import { decodeHeaders } from '../../../src/log/headers.ts'
import { must, reading } from '../target.ts'
import type { Target } from '../target.ts'

const headers = [
  { name: 'trace', value: Buffer.from('abc') },
  { name: 'ä', value: null },
  { name: '', value: Buffer.alloc(0) },
]

function blocks(): Uint8Array[] {
  const plain = new BatchBuilder()
  for (let i = 0; i < 5; i++) plain.add(null, `value ${i}`, 1000 + i)
  const keyed = new BatchBuilder()
  for (let i = 0; i < 4; i++) keyed.add(i === 2 ? null : `k${i}`, i === 1 ? null : 'v'.repeat(i), i)
  const full = new BatchBuilder()
  for (let i = 0; i < 3; i++) full.add(`k${i}`, `v${i}`, i, i === 1 ? [] : headers)
  const gaps = new BatchBuilder()
  const bytes = Buffer.from('keyvalue')
  for (const delta of [0, 3, 900]) gaps.addRange(delta, bytes, 0, 3, 3, 8, 77)
  return [plain, keyed, full, gaps, new BatchBuilder()].map((one) => one.finish())
}

/** The checksum of a block. */
function summed(bytes: Buffer): Buffer {
  if (bytes.length < 8) return bytes
  bytes[0] = 1
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

export const recordTargets: readonly Target[] = [
  {
    name: 'records/block',
    seeds: blocks(),
    repair: summed,
    codes: ['log-damaged'],
    open: reading((bytes) => {
      const batch = new RecordBatch('t', 0, 100, bytes)
      readAll(batch)
    }),
  },
  {
    name: 'records/headers',
    seeds: [encodeHeaders(headers), encodeHeaders([])],
    codes: ['log-damaged'],
    open: reading((bytes) => {
      const found = decodeHeaders(bytes)
      const again = decodeHeaders(encodeHeaders(found))
      must(isDeepStrictEqual(again, found), () => 'written and read again they are others')
    }),
  },
]

/** Everything of every record, within the block. */
export function readAll(batch: RecordBatch): void {
  let offset = batch.baseOffset - 1
  for (let i = 0; i < batch.count; i++) {
    must(batch.offset(i) > offset, () => `offset ${batch.offset(i)} follows ${offset}`)
    offset = batch.offset(i)
    for (const at of [batch.keyStart(i), batch.keyEnd(i), batch.valueStart(i), batch.valueEnd(i)]) {
      must(at <= batch.bytes.length, () => `a range ends at ${at} of ${batch.bytes.length}`)
    }
    must(batch.keyStart(i) <= batch.keyEnd(i), () => 'a key ends before it begins')
    must(batch.valueStart(i) <= batch.valueEnd(i), () => 'a value ends before it begins')
    batch.key(i)
    batch.value(i)
    batch.time(i)
    batch.headers(i)
  }
  must(batch.nextOffset >= offset, () => `goes on at ${batch.nextOffset} after ${offset}`)
}
