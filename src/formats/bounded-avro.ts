/**
 * Arrays and maps of Avro that believe a count only as far as the value has bytes. avsc's own read
 * on behind the value's end: five bytes can announce 2^34 items, which are made one by one.
 */
import avsc from 'avsc'
import type { Type } from 'avsc'

/** What avsc reads from; `itemCount` is ours. */
interface Tap {
  readonly buf: Buffer
  pos: number
  itemCount?: number
  readLong(): number
  readString(): string
  skipString(): void
}

interface Readable {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}

/** Of items that take no bytes (null, empty records), in all of a value. */
const emptyItemsMax = 1000

/** Gives avsc these types in place of its own. */
export function boundedType(schema: unknown, options: object): Type | undefined {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined
  const { type } = schema
  if (type === 'array') return make(BoundedArray, schema, options)
  return type === 'map' ? make(BoundedMap, schema, options) : undefined
}

type Constructor = new (schema: never, options: never) => Type

function make(Kind: Constructor, schema: object, options: object): Type {
  return new Kind(schema as never, options as never)
}

/** Its readers are called on a resolver, too, which has `itemsType` as well. */
class BoundedArray extends (avsc.types.ArrayType as unknown as Constructor) {
  _read(this: { readonly itemsType: Readable }, tap: Tap): unknown[] {
    const items: unknown[] = []
    for (let count = block(tap); count > 0; count = block(tap)) {
      for (; count > 0; count--) items.push(this.itemsType._read(tap))
    }
    return items
  }

  _skip(this: { readonly itemsType: Readable }, tap: Tap): void {
    for (let count = block(tap); count > 0; count = block(tap)) {
      for (; count > 0; count--) this.itemsType._skip(tap)
    }
  }
}

class BoundedMap extends (avsc.types.MapType as unknown as Constructor) {
  _read(this: { readonly valuesType: Readable }, tap: Tap): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    for (let count = block(tap); count > 0; count = block(tap)) {
      for (; count > 0; count--) {
        const key = tap.readString()
        const value = this.valuesType._read(tap)
        if (key !== '__proto__') values[key] = value
        else {
          // A plain assignment would set the prototype.
          const own = { value, writable: true, enumerable: true, configurable: true }
          Object.defineProperty(values, key, own)
        }
      }
    }
    return values
  }

  _skip(this: { readonly valuesType: Readable }, tap: Tap): void {
    for (let count = block(tap); count > 0; count = block(tap)) {
      for (; count > 0; count--) {
        tap.skipString()
        this.valuesType._skip(tap)
      }
    }
  }
}

/**
 * Items of the next block, 0 at the end. A count below zero has the block's size behind it, which
 * nobody needs.
 */
function block(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.readLong()
  }
  tap.itemCount = (tap.itemCount ?? 0) + count
  // A number that goes on for 150 bytes is NaN to avsc, which is no more and no less than any.
  if (!(tap.itemCount <= tap.buf.length + emptyItemsMax)) {
    throw new Error(`${count} items are announced in a value of ${tap.buf.length} bytes`)
  }
  return count
}
