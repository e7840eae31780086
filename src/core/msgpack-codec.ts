/**
 * MessagePack as a codec: smaller than JSON, and it keeps Date, Map, Set, bigint, Uint8Array,
 * undefined, NaN and −0.
 *
 * Written here and not by a library, since all of this was wanted at once: plain maps for objects
 * (any MessagePack program reads them) and yet a Map that stays one, text refused where it is not
 * UTF-8, depth and lengths bounded, `__proto__` harmless.
 */
import type { Codec } from './codec.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'
import { NameCache } from './name-cache.ts'

/**
 * MessagePack, one value a record. Objects are maps, Date is the standard's timestamp; undefined
 * and bigint are the extensions of msgpackr (0, 0x42); Set (0x53) and Map (0x4d) hold an array, for
 * a Map of keys and values in turn. Whole numbers of 64 bits from other programs become numbers
 * where exact, else bigint; maps with keys other than strings become Map. Instances of classes,
 * functions, symbols, invalid dates and cycles are refused.
 */
export function msgpack<T = unknown>(): Codec<T> {
  return msgpackCodec as Codec<T>
}

const msgpackCodec: Codec<unknown> = {
  name: 'msgpack',
  decode: (bytes, start, end) => new MsgpackReader(bytes, start, end, null).readWhole(),
  decoder(bytes) {
    const names = new NameCache()
    return (start, end) => new MsgpackReader(bytes, start, end, names).readWhole()
  },
  encode(value) {
    const writer = new MsgpackWriter()
    writer.write(value, 0)
    return writer.finish()
  },
}
