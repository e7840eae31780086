/**
 * The frame around values that were written with a schema registry: a zero byte, the schema's id in
 * four bytes (big-endian), then the value. Protobuf has the path of the message within its file in
 * between. [Confluent's wire format]
 */
import { MillraceError } from '../core/error.ts'

const magicByte = 0
export const frameBytes = 5
/** Message types nested deeper, or numbered higher, are taken for rubbish. */
const pathLengthMax = 64

/** The id of the schema of the value at `start`. @throws `decode-failed` */
export function schemaIdAt(bytes: Buffer, start: number, end: number): number {
  const length = end - start
  if (length < frameBytes || bytes[start] !== magicByte) {
    const first = length === 0 ? 'is empty' : `begins with byte ${bytes[start]}`
    const what = bytes[start] === magicByte && length > 0 ? `has only ${length} bytes` : first
    throw new MillraceError('decode-failed', `the value ${what}: it has no schema id`, {
      hint: 'its producer did not use a schema registry: give the topic json() or another codec',
    })
  }
  return bytes.readUInt32BE(start + 1)
}

/** A value with its frame; `path` is for Protobuf. */
export function framed(id: number, value: Uint8Array, path: readonly number[] = []): Buffer {
  const result = Buffer.allocUnsafe(frameBytes + path.length + value.length)
  result[0] = magicByte
  result.writeUInt32BE(id, 1)
  result.set(path, frameBytes)
  result.set(value, frameBytes + path.length)
  return result
}

/**
 * The path of a message type as bytes: how many indexes, then each, as zigzag varints; the first
 * type of a file is a single zero.
 */
export function typePath(indexes: readonly number[]): number[] {
  if (indexes.length === 1 && indexes[0] === 0) return [0]
  return [indexes.length, ...indexes].flatMap(zigzag)
}

function zigzag(value: number): number[] {
  const bytes: number[] = []
  let left = value * 2
  while (left > 0x7f) {
    bytes.push((left & 0x7f) | 0x80)
    left >>>= 7
  }
  return [...bytes, left]
}

/** Reads what `typePath` writes. @returns the indexes, and where the value begins */
export function readTypePath(
  bytes: Buffer,
  start: number,
  end: number,
): { indexes: number[]; valueAt: number } {
  let at = start
  const next = (): number => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = at < end ? (bytes[at] as number) : -1
      if (byte < 0) break
      at += 1
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 1
    }
    throw new MillraceError('decode-failed', 'the value is cut off in the path of its message type')
  }
  const count = next()
  if (count === 0) return { indexes: [0], valueAt: at }
  if (count > pathLengthMax) {
    throw new MillraceError('decode-failed', `the path of its message type has ${count} indexes`)
  }
  const indexes = Array.from({ length: count }, next)
  return { indexes, valueAt: at }
}
