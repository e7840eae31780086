/** Property names out of bytes: values of one kind have the same few names, mostly made already. */

/** Names of more bytes are not looked up. */
const nameBytesMax = 24
/** A power of two. */
const slotCount = 256

/** A direct-mapped table by a hash of the bytes: bounded; a collision costs no more than a miss. */
export class NameCache {
  readonly #slots = Array.from({ length: slotCount }, () => '')

  /** The string of the bytes from `start` to `end`, which must all be below 0x80. */
  ascii(bytes: Buffer, start: number, end: number): string {
    const length = end - start
    if (length > nameBytesMax) return bytes.toString('latin1', start, end)
    let hash = length
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const slot = (hash ^ (hash >>> 8)) & (slotCount - 1)
    const known = this.#slots[slot]!
    if (known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i += 1
      if (i === length) return known
    }
    const name = bytes.toString('latin1', start, end)
    this.#slots[slot] = name
    return name
  }
}
