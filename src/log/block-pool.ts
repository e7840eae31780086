/**
 * Memory of blocks that is used again. Each fresh block of some hundred kilobytes is pages to clear
 * and bytes that press the collector to look for garbage; with a backlog that was a quarter of all
 * processor time.
 */

const smallestBits = 12
const largestBits = 23

export class BlockPool {
  readonly #bytesMax: number
  #bytes = 0
  /** By size: spare memory of 2^(12 + i) bytes. */
  readonly #spares: ArrayBuffer[][] = []

  /** @param bytesMax of spare memory that is kept */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Memory of at least so many bytes, with anything in it. */
  take(bytes: number): ArrayBuffer {
    const bits = bitsOf(bytes)
    if (bits > largestBits) return Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer
    const spare = this.#spares[bits - smallestBits]?.pop()
    if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** bits).buffer as ArrayBuffer
    this.#bytes -= spare.byteLength
    return spare
  }

  /** Takes memory back that nothing refers to any more. Any other's is welcome. */
  give(memory: ArrayBuffer): void {
    const bytes = memory.byteLength
    const bits = bitsOf(bytes)
    if (2 ** bits !== bytes || bits > largestBits || this.#bytes + bytes > this.#bytesMax) return
    this.#bytes += bytes
    const list = this.#spares[bits - smallestBits]
    if (list === undefined) this.#spares[bits - smallestBits] = [memory]
    else list.push(memory)
  }
}

function bitsOf(bytes: number): number {
  return Math.max(smallestBits, 32 - Math.clz32(bytes - 1))
}
