/**
 * The bytes of a value in state: one tag, then what the tag says. Numbers little-endian; counts and
 * lengths as varints (7 bits a byte, lowest first, top bit = more follows).
 *
 *   0x00–0x17 the tags below
 *   0x40–0x7f ASCII string of tag − 0x40 bytes
 *   0x80–0xff integer tag − 0x80
 *
 * Kept in files: a tag's meaning never changes; new ones take free numbers.
 */
export const tag = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  /** varint: the integer. */
  int: 0x04,
  /** varint n: the integer −1 − n. */
  negativeInt: 0x05,
  float64: 0x06,
  /** varint bytes, UTF-8. */
  utf8: 0x07,
  /** varint bytes, UTF-16 little-endian: strings with half a surrogate pair. */
  utf16: 0x08,
  /** varint bytes, magnitude as hexadecimal digits packed, high first. */
  bigint: 0x09,
  negativeBigint: 0x0a,
  /** i64. */
  bigint64: 0x0b,
  /** float64, ms since 1970; NaN: an invalid date. */
  date: 0x0c,
  /** varint count, values. */
  array: 0x0d,
  /** varint count, (string value)…: as earlier versions wrote every object. */
  object: 0x0e,
  /** varint count, (value value)… */
  map: 0x0f,
  /** varint count, values. */
  set: 0x10,
  /** varint bytes, the bytes: Uint8Array. */
  bytes: 0x11,
  /** kind (index in `viewKinds`), varint bytes, the bytes. */
  view: 0x12,
  /** varint bytes, the bytes. */
  arrayBuffer: 0x13,
  /** varint bytes, what node:v8 `serialize` wrote: everything else. */
  v8: 0x14,
  /** varint count, names as strings; values. Defines the next shape of the block, from 0 on. */
  newShape: 0x15,
  /** varint count, names as strings; values: where the block has no room for another shape. */
  named: 0x17,
  /** varint shape; values: an object with the names of that shape, in their order. */
  shape: 0x16,
} as const

/**
 * Shapes of a block: objects of one kind write their names once. What has more kinds than this is
 * written by name.
 */
export const shapesMax = 32

export const shortString = 0x40
export const smallInt = 0x80
/** Longest string with its length in the tag, bytes. */
export const shortStringMax = smallInt - shortString - 1
/** Largest integer within the tag. */
export const smallIntMax = 0x7f
/** How deep values may nest before node:v8 takes over. */
export const depthMax = 100

/** Views other than Uint8Array, by `Symbol.toStringTag`; the index is written. */
export const viewKinds = [
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
] as const
