/** Bytes that grow; what was never written is zero. */
export class Content {
  #buffer: Buffer
  size: number

  /** Takes a copy. */
  constructor(from: Uint8Array) {
    this.#buffer = Buffer.from(from)
    this.size = from.length
  }

  /** A view: the next write may change it, or leave it behind. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.size)
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(size, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.size)
      this.#buffer = larger
    } else if (size > this.size) this.#buffer.fill(0, this.size, size)
    this.size = size
  }

  write(at: number, bytes: Uint8Array): void {
    if (at + bytes.length > this.size) this.resize(at + bytes.length)
    this.#buffer.set(bytes, at)
  }
}
