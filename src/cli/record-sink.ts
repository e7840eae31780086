/** Bytes on their way to standard output, gathered into large chunks. */
import type { Output } from './output.ts'

const chunkBytes = 262_144

export class RecordSink {
  readonly #output: Output
  #buffer: Buffer = Buffer.allocUnsafeSlow(chunkBytes * 2)
  #length = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** There is enough for a chunk: call `flush`. */
  get isFull(): boolean {
    return this.#length >= chunkBytes
  }

  text(text: string): void {
    // A UTF-16 unit takes at most 3 bytes of UTF-8.
    this.#reserve(text.length * 3)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  bytes(source: Buffer, start = 0, end: number = source.length): void {
    this.#reserve(end - start)
    source.copy(this.#buffer, this.#length, start, end)
    this.#length += end - start
  }

  /** Writes what was gathered. @returns `closed` where nobody reads any more */
  async flush(): Promise<'written' | 'closed'> {
    if (this.#length === 0) return this.#output.isClosed ? 'closed' : 'written'
    const chunk = this.#buffer.subarray(0, this.#length)
    this.#length = 0
    return await this.#output.write(chunk)
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
