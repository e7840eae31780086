/** A look at raw record batches without decoding them. */
import { headBytes, lengthEnd } from './batch-head.ts'

/** Offset after the last whole batch; −1 where there is none. */
export function nextOffsetOf(bytes: Buffer): number {
  let next = -1
  let at = 0
  while (at + headBytes <= bytes.length) {
    const end = at + lengthEnd + bytes.readInt32BE(at + 8)
    if (end > bytes.length || end < at + headBytes) break
    const base = bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
    next = base + bytes.readInt32BE(at + 23) + 1
    at = end
  }
  return next
}
