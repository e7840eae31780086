/** A look at the heads of fetched batches, without decoding them. */
import { headBytes, lengthEnd, magic } from '../records/batch-head.ts'

export interface BatchesEnd {
  /** Offset after the last whole batch; −1: there is none. */
  readonly nextOffset: number
  /** Leader epoch of that batch; −1: none. */
  readonly epoch: number
  /** Length of the whole batches. */
  readonly bytes: number
  /** What makes no sense behind them; null: nothing. */
  readonly fault: string | null
}

/** @param isBefore batches are looked at while this holds of their base offset */
export function wholeBatches(
  bytes: Buffer,
  isBefore: (baseOffset: number) => boolean = () => true,
): BatchesEnd {
  let [nextOffset, epoch, at] = [-1, -1, 0]
  let fault: string | null = null
  // Offset, length, epoch and format are where they always were; older formats are shorter.
  while (at + 17 <= bytes.length) {
    const format = bytes[at + 16]
    const end = at + lengthEnd + bytes.readInt32BE(at + 8)
    if (format !== magic) fault = `has format ${format}, known is ${magic}`
    else if (end < at + headBytes) fault = `says it has ${end - at} bytes`
    if (fault !== null || end > bytes.length) break
    const base = bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
    if (!isBefore(base)) break
    nextOffset = base + bytes.readInt32BE(at + 23) + 1
    epoch = bytes.readInt32BE(at + 12)
    at = end
  }
  return { nextOffset, epoch, bytes: at, fault }
}
