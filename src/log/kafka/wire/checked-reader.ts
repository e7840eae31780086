/**
 * The library's reader with every length checked against what is left. Its own believes them: a
 * negative one moves it backwards, so that a short answer with a large count is read for ever into
 * an array without end.
 */
import type { Reader as LibraryReader } from '@platformatic/kafka'
import { Reader } from './library-parts.ts'

type Each<Item> = (reader: LibraryReader, index: number) => Item

class CheckedReader extends Reader {
  override skip(length: number): this {
    super.skip(this.#checked(length))
    return this
  }

  /** Of 32 bits; the library gives those above 2^31 a sign. */
  override readUnsignedVarInt(): number {
    const value = super.readUnsignedVarInt()
    if (!(value >= 0)) throw new RangeError(`${value} is no length and no tag`)
    return value
  }

  override readNullableString(compact = true, encoding: BufferEncoding = 'utf-8'): string | null {
    const length = compact ? this.readUnsignedVarInt() - 1 : this.readInt16()
    if (length === -1) return null
    const start = this.position
    this.position = start + this.#checked(length)
    return this.buffer.toString(encoding, start, this.position)
  }

  override readNullableBytes(compact = true): Buffer | null {
    const length = compact ? this.readUnsignedVarInt() - 1 : this.readInt32()
    if (length === -1) return null
    const start = this.position
    this.position = start + this.#checked(length)
    return this.buffer.slice(start, this.position)
  }

  override readNullableArray<Item>(
    read: Each<Item>,
    compact = true,
    discardTrailingTaggedFields = true,
  ): Item[] | null {
    const length = compact ? this.readUnsignedVarInt() - 1 : this.readInt32()
    if (length === -1) return null
    this.#checked(length) // an item takes a byte at least
    const items: Item[] = []
    for (let i = 0; i < length; i++) {
      items.push(read(this, i))
      if (discardTrailingTaggedFields) this.readTaggedFields()
    }
    return items
  }

  /** @throws RangeError */
  #checked(length: number): number {
    const left = this.length - this.position
    if (length >= 0 && length <= left) return length
    throw new RangeError(`${length} bytes or items are announced, and ${left} bytes are left`)
  }
}

/** @param reader of the library, somewhere in its bytes; it goes on where that one stands */
export function checkedReader(reader: LibraryReader): LibraryReader {
  const checked = new CheckedReader(reader.buffer)
  checked.position = reader.position
  return checked
}
