/**
 * Cuts bytes into lines. Takes chunks as they come, holds at most one line, and never one that is
 * too long: of such a line it only counts the bytes.
 */

/** Of a line that is too long, bytes beyond this are not waited for: it may have no end. */
const countedBytesMax = 64 * 1_048_576

export interface LongLine {
  readonly kind: 'too-long'
  readonly bytes: number
  /** False: it goes on; `bytes` is what was seen of it. */
  readonly isWhole: boolean
}

const newline = 0x0a
const carriageReturn = 0x0d

export class LineSplitter {
  readonly #bytesMax: number
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0
  /** The beginning of a line whose end is in no chunk yet. */
  #held: Buffer[] = []
  #heldBytes = 0
  #isCounting = false
  #lineNumber = 0

  /** @param bytesMax longest line given out, without its line end */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Number of the line that `next` or `end` gave last, from 1. */
  get lineNumber(): number {
    return this.#lineNumber
  }

  /** Takes the next bytes. Call `next` until it gives null before the next chunk. */
  push(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /**
   * The next whole line, without `\n` or `\r\n`: a view that stays valid as long as its chunk.
   * null: another chunk is needed. After a line that is too long and not whole, call it no more.
   */
  next(): Buffer | LongLine | null {
    if (this.#at >= this.#chunk.length) return null
    const end = this.#chunk.indexOf(newline, this.#at)
    if (end === -1) return this.#hold()
    const rest = this.#chunk.subarray(this.#at, end)
    this.#at = end + 1
    return this.#finish(rest)
  }

  /** The last line, where it has no line end. null: there is none. */
  end(): Buffer | LongLine | null {
    return this.#heldBytes === 0 ? null : this.#finish(Buffer.alloc(0))
  }

  #hold(): LongLine | null {
    const rest = this.#chunk.subarray(this.#at)
    this.#at = this.#chunk.length
    this.#heldBytes += rest.length
    // One more byte may be the '\r' of the line's end.
    if (this.#heldBytes > this.#bytesMax + 1) {
      this.#isCounting = true
      this.#held = []
    }
    // Copied, so that a few bytes do not keep a whole chunk.
    if (!this.#isCounting) this.#held.push(Buffer.from(rest))
    if (this.#heldBytes <= countedBytesMax + this.#bytesMax) return null
    this.#lineNumber += 1
    return { kind: 'too-long', bytes: this.#heldBytes, isWhole: false }
  }

  #finish(rest: Buffer): Buffer | LongLine {
    this.#lineNumber += 1
    const bytes = this.#heldBytes + rest.length
    const line =
      this.#isCounting || this.#held.length === 0 ? rest : Buffer.concat([...this.#held, rest])
    const wasCounting = this.#isCounting
    this.#held = []
    this.#heldBytes = 0
    this.#isCounting = false
    const hasReturn = !wasCounting && line.length > 0 && line[line.length - 1] === carriageReturn
    const length = hasReturn ? bytes - 1 : bytes
    if (wasCounting || length > this.#bytesMax)
      return { kind: 'too-long', bytes: length, isWhole: true }
    return hasReturn ? line.subarray(0, length) : line
  }
}
