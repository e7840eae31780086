import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'vitest'
import { isCode } from '../../../core/error.ts'
import { compress, decompress } from './compression.ts'
import { lz4SizeMax, snappySizeMax } from './expanded-size.ts'

const lz4BlockMax = 4 << 20
const samples = [1, 59, 60, 1000, 65_536, 65_537, 300_000].flatMap((size) => [
  Buffer.alloc(size, 'text '),
  randomBytes(size),
])
const at = { topic: 't', partition: 1, offset: 2 }

/** As Java's library writes it: blocks, each behind its length. */
function xerial(blocks: readonly Buffer[]): Buffer {
  const head = Buffer.from('82534e41505059000000000100000001', 'hex')
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    return [length, block]
  })
  return Buffer.concat([head, ...framed])
}

test('the size is known before anything is decompressed', () => {
  for (const sample of samples) {
    assert.equal(snappySizeMax(compress('snappy', sample)), sample.length)
    const bound = lz4SizeMax(compress('lz4', sample))
    assert.ok(bound >= sample.length, `${bound} for ${sample.length}`)
    assert.ok(bound <= sample.length + lz4BlockMax, `${bound} for ${sample.length}`)
    for (const codec of ['snappy', 'lz4'] as const) {
      const id = codec === 'snappy' ? 2 : 3
      assert.ok(decompress(id, compress(codec, sample), 300_000, at).equals(sample))
    }
  }
  const halves = [Buffer.alloc(70_000, 'a'), Buffer.from('b')]
  const framed = xerial(halves.map((half) => compress('snappy', half)))
  assert.equal(snappySizeMax(framed), 70_001)
  assert.ok(decompress(2, framed, 70_001, at).equals(Buffer.concat(halves)))
})

test('what would become too large is refused before it takes the memory', () => {
  const large = Buffer.alloc(20 << 20)
  const bombs: [number, Buffer][] = [
    [2, compress('snappy', large)],
    [2, xerial(Array.from({ length: 3 }, () => compress('snappy', Buffer.alloc(500_000))))],
    [2, Buffer.from('ffffffff0700', 'hex')],
    [3, compress('lz4', large)],
    [1, compress('gzip', large)],
    [4, compress('zstd', large)],
  ]
  for (const [id, bytes] of bombs) {
    const before = process.memoryUsage.rss()
    assert.throws(
      () => decompress(id, bytes, 1 << 20, at),
      (thrown) => isCode(thrown, 'log-damaged') && thrown.at.offset === 2,
    )
    const taken = process.memoryUsage.rss() - before
    assert.ok(taken < 200 << 20, `codec ${id} took ${taken} bytes`)
  }
})

test('a size that does not end, or a frame that is cut off, is no size', () => {
  for (const hex of ['', 'ff', 'ffffffffffff']) {
    assert.throws(() => snappySizeMax(Buffer.from(hex, 'hex')), RangeError)
  }
  const frame = compress('lz4', randomBytes(1000))
  for (const end of [0, 3, 6, 10, frame.length - 5]) {
    assert.throws(() => lz4SizeMax(frame.subarray(0, end)), RangeError)
  }
})
