/**
 * Memory of blocks that is used again. Each fresh block of some hundred kilobytes is pages to clear
 * and bytes that press the collector to look for garbage; with a backlog that was a quarter of all
 * processor time.
 */

const smallest = 4096
const largest = 8 << 20

export class BlockPool {
  readonly #bytesMax: number
  #bytes = 0
  /** By size. */
  readonly #spares = new Map<number, ArrayBuffer[]>()

  /** @param bytesMax of spare memory that is kept */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Memory of at least so many bytes, with anything in it. */
  take(bytes: number): ArrayBuffer {
    const size = bytes > largest ? bytes : rounded(bytes)
    const spare = this.#spares.get(size)?.pop()
    if (spare === undefined) return Buffer.allocUnsafeSlow(size).buffer as ArrayBuffer
    this.#bytes -= size
    return spare
  }

  /** Takes memory back that nothing refers to any more. Any other's is welcome. */
  give(memory: ArrayBuffer): void {
    const size = memory.byteLength
    if (size > largest || rounded(size) !== size || this.#bytes + size > this.#bytesMax) return
    this.#bytes += size
    const list = this.#spares.get(size)
    if (list === undefined) this.#spares.set(size, [memory])
    else list.push(memory)
  }
}

/** Eight sizes between powers of two: at most an eighth is not used. */
function rounded(bytes: number): number {
  if (bytes <= smallest) return smallest
  const step = 2 ** (29 - Math.clz32(bytes - 1))
  return Math.ceil(bytes / step) * step
}
