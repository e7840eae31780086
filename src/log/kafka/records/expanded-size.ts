/**
 * How large a batch can become when it is decompressed, by what it says of itself. For snappy and
 * LZ4, whose decompression takes no limit and never gives back the memory it took: seven bytes can
 * ask for two gigabytes.
 */

/** Before the blocks of snappy as Java's library frames them (xerial): then twice a version. */
const xerialMagic = Buffer.from('82534e4150505900', 'hex')
const xerialHeadBytes = 16
const lz4Magic = 0x18_4d_22_04
/** Of the bits of the frame's first byte: checksums of blocks, size of the content, dictionary. */
const lz4BlockSums = 0x10
const lz4ContentSize = 0x08
const lz4Dictionary = 0x01
const lz4Uncompressed = 0x8000_0000

/**
 * @returns bytes that snappy gives out: exact where the data is right
 * @throws RangeError where it is not
 */
export function snappySizeMax(bytes: Buffer): number {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return snappyBlockSize(bytes)
  let sum = 0
  for (let at = xerialHeadBytes; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    sum += snappyBlockSize(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return sum
}

/** A block begins with its size as a varint of up to 32 bits. */
function snappyBlockSize(block: Buffer): number {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = block.readUInt8(i)
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  throw new RangeError('the size of a block does not end')
}

/**
 * @returns no less than what LZ4 gives out: as if every block was full. In what other programs
 * write all are but the last.
 * @throws RangeError where the data is not right
 */
export function lz4SizeMax(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== lz4Magic) throw new RangeError('it is no LZ4 frame')
  const flags = bytes.readUInt8(4)
  // 4: 64 KiB, 5: 256 KiB, 6: 1 MiB, 7: 4 MiB.
  const blockBytes = 2 ** (8 + 2 * ((bytes.readUInt8(5) >> 4) & 7))
  const sumBytes = (flags & lz4BlockSums) === 0 ? 0 : 4
  let at = 7
  if ((flags & lz4ContentSize) !== 0) at += 8
  if ((flags & lz4Dictionary) !== 0) at += 4
  let size = 0
  for (;;) {
    const head = bytes.readUInt32LE(at)
    if (head === 0) return size // the frame's end
    const length = head % lz4Uncompressed
    size += head >= lz4Uncompressed ? length : blockBytes
    at += 4 + length + sumBytes
  }
}
