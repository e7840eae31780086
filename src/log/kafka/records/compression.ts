/** Compression of record batches, by the number in their attributes. */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '../wire/library-parts.ts'
import { MillraceError, messageOf } from '../../../core/error.ts'
import type { ErrorPlace } from '../../../core/error.ts'
import { lz4SizeMax, snappySizeMax } from './expanded-size.ts'

/** In the order of Kafka's numbers. */
export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof compressions)[number]

export function compress(compression: Compression, bytes: Buffer): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
    case 'snappy':
    case 'lz4':
      return compressionsAlgorithms[compression].compressSync(bytes)
  }
}

/** Largest block of an LZ4 frame. */
const lz4BlockMax = 4 << 20

/**
 * @param bytesMax of the result: a small batch of a hostile producer may stand for gigabytes
 * @throws `unsupported-codec` · `log-damaged`
 */
export function decompress(id: number, bytes: Buffer, bytesMax: number, at: ErrorPlace): Buffer {
  const compression = compressions[id]
  if (compression === undefined) {
    throw new MillraceError('unsupported-codec', `a batch has compression codec ${id}`, {
      at,
      hint: `known are ${compressions.join(', ')}; read on after it: --from OFFSET`,
    })
  }
  try {
    const result = expand(compression, bytes, bytesMax)
    if (result.length <= bytesMax) return result
  } catch (thrown) {
    throw damaged(`does not decompress (${compression}): ${messageOf(thrown)}`, at)
  }
  throw damaged(`has more than ${bytesMax} bytes when decompressed`, at)
}

function expand(compression: Compression, bytes: Buffer, maxOutputLength: number): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength })
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength })
    case 'snappy':
      return expandLibrary(compression, snappySizeMax(bytes), bytes, maxOutputLength)
    case 'lz4':
      // The last block need not be full.
      return expandLibrary(compression, lz4SizeMax(bytes) - lz4BlockMax, bytes, maxOutputLength)
  }
}

/** The library knows no limit: what the data says of its size is looked at before. */
function expandLibrary(
  compression: 'snappy' | 'lz4',
  sizeMin: number,
  bytes: Buffer,
  maxOutputLength: number,
): Buffer {
  if (sizeMin <= maxOutputLength) return compressionsAlgorithms[compression].decompressSync(bytes)
  throw new RangeError(`it says that it becomes ${sizeMin} bytes, more than ${maxOutputLength}`)
}

export function damaged(what: string, at: ErrorPlace): MillraceError {
  return new MillraceError('log-damaged', `a record batch ${what}`, {
    at,
    hint: 'read on after it: --from OFFSET',
  })
}
