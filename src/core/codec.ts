/**
 * Codecs: between a record's bytes and a value. Bytes are decoded in place, by range; text is
 * decoded only where it is valid UTF-8, never with replacement characters, so nothing is altered in
 * silence.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { MillraceError, messageOf } from './error.ts'
import { jsonFaultAt } from './json-fault.ts'

/** Decodes the bytes `start` to `end` (exclusive) of the block that the decoder was made for. */
export type RangeDecoder<T> = (start: number, end: number) => T

/** How the values of a topic are written. Stateless: one may be shared by any number of topics. */
export interface Codec<T> {
  /** As plans and messages show it. */
  readonly name: string
  /** Decodes one value. @throws `decode-failed`; a codec of a user's own may throw anything. */
  decode(bytes: Buffer, start: number, end: number): T
  /**
   * Called once for a batch with the range of all its values, so that checks that are cheap in bulk
   * run once. Ranges given to the result lie within it. Valid while the bytes do not change. The
   * result throws as `decode` does.
   */
  decoder(bytes: Buffer, start: number, end: number): RangeDecoder<T>
  /** The record's bytes; a string stands for its UTF-8 bytes. @throws `encode-failed` */
  encode(value: T): string | Uint8Array
  /**
   * Called and awaited before a run begins, for what encoding needs from outside: the id of a
   * schema. May be called several times. A rejection ends the start.
   */
  prepare?(): Promise<void>
}

/**
 * Thrown by a decoder that first needs something from outside, as a schema by its id: the record is
 * decoded again, before any later one, when `ready` has settled. Whether it succeeded shows then.
 */
export class DecodePending {
  readonly ready: Promise<void>

  constructor(ready: Promise<void>) {
    this.ready = ready
  }
}

/**
 * A codec from two functions.
 * @param options `decode` gets a view of one value's bytes, valid until it returns, and throws on
 * bad ones
 * @example
 * const hex = codec({
 *   name: 'hex',
 *   decode: (range) => range.toString('hex'),
 *   encode: (text: string) => Buffer.from(text, 'hex'),
 * })
 */
export function codec<T>(options: {
  readonly name: string
  readonly decode: (bytes: Buffer) => T
  readonly encode: (value: T) => string | Uint8Array
}): Codec<T> {
  const { name, decode, encode } = options
  return {
    name,
    decode: (bytes, start, end) => decode(bytes.subarray(start, end)),
    decoder: (bytes) => (start, end) => decode(bytes.subarray(start, end)),
    encode: (value) => encode(value),
  }
}

/**
 * JSON in UTF-8 without byte order mark. Decoding gives plain data; a `__proto__` member becomes an
 * own property. Encoding follows `JSON.stringify`: a Date becomes its ISO string, NaN and ±Infinity
 * become null, undefined members are left out; values with no JSON at all (undefined, functions,
 * symbols, bigint, cycles) are refused.
 */
export function json<T = unknown>(): Codec<T> {
  return jsonCodec as Codec<T>
}

/** Text in UTF-8, as it is. */
export function string(): Codec<string> {
  return stringCodec
}

/** The bytes as they are. Decoding gives a copy, which the pipeline may keep. */
export function bytes(): Codec<Uint8Array> {
  return bytesCodec
}

export const stringCodec: Codec<string> = {
  name: 'string',
  decode: textAt,
  decoder: textDecoder,
  encode(value) {
    if (typeof value !== 'string') {
      throw new MillraceError('encode-failed', `the string codec cannot write ${kindOf(value)}`, {
        hint: 'give a string, or another codec to the topic: json()',
      })
    }
    if (!value.isWellFormed()) {
      throw new MillraceError(
        'encode-failed',
        'the string has half a surrogate pair, which UTF-8 cannot hold',
        {
          hint: 'cut strings between characters, or call toWellFormed()',
        },
      )
    }
    return value
  },
}

export const jsonCodec: Codec<unknown> = {
  name: 'json',
  decode: (block, start, end) => parseJson(textAt(block, start, end)),
  decoder(block, start, end) {
    const range = block.subarray(start, end)
    if (isAscii(range)) {
      // One string for the whole range, cut by index: 10 % less than a string for each record (Node
      // 24, 200-byte records). JSON.parse copies what it keeps, so no result holds the whole range
      // in memory.
      const whole = range.toString('latin1')
      return (from, to) => {
        const text = whole.slice(from - start, to - start)
        try {
          return JSON.parse(text)
        } catch (thrown) {
          throw jsonFault(text, thrown)
        }
      }
    }
    const read = textDecoder(block, start, end)
    return (from, to) => parseJson(read(from, to))
  },
  encode(value) {
    let text: string | undefined
    try {
      text = JSON.stringify(value)
    } catch (thrown) {
      const bigint = thrown instanceof TypeError && thrown.message.includes('BigInt')
      throw new MillraceError(
        'encode-failed',
        `JSON cannot hold this value: ${firstLine(messageOf(thrown))}`,
        {
          hint: bigint
            ? 'turn bigint into a string or a number first, or give the topic the codec msgpack()'
            : 'give plain data without cycles',
          cause: thrown,
        },
      )
    }
    if (text === undefined) {
      throw new MillraceError('encode-failed', `JSON cannot hold ${kindOf(value)}`, {
        hint: 'return a value, or null for one that says there is nothing',
      })
    }
    return text
  },
}

export const bytesCodec: Codec<Uint8Array> = {
  name: 'bytes',
  decode: (block, start, end) => new Uint8Array(block.subarray(start, end)),
  decoder: (block) => (start, end) => new Uint8Array(block.subarray(start, end)),
  encode(value) {
    if (!(value instanceof Uint8Array)) {
      throw new MillraceError('encode-failed', `the bytes codec cannot write ${kindOf(value)}`, {
        hint: 'give a Uint8Array or a Buffer',
      })
    }
    return value
  },
}

/**
 * Strings out of a block. Whether it is valid UTF-8 is found once for the whole range, not for each
 * string.
 */
export function textDecoder(block: Buffer, start: number, end: number): RangeDecoder<string> {
  if (!isUtf8(block.subarray(start, end))) return (from, to) => textAt(block, from, to)
  return (from, to) => {
    // Within valid UTF-8 a string is valid where it neither begins nor ends inside a character
    // (byte 10xxxxxx).
    if (from === to) return ''
    const cutAtStart = (block[from]! & 0xc0) === 0x80
    if (cutAtStart || (to < end && (block[to]! & 0xc0) === 0x80)) throw notUtf8(block, from, to)
    return block.toString('utf8', from, to)
  }
}

/** One string. @throws `decode-failed` where the bytes are not UTF-8 */
export function textAt(block: Buffer, start: number, end: number): string {
  if (!isUtf8(block.subarray(start, end))) throw notUtf8(block, start, end)
  return block.toString('utf8', start, end)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw jsonFault(text, thrown)
  }
}

function jsonFault(text: string, cause: unknown): MillraceError {
  if (text.trim() === '') {
    const what = text === '' ? 'is empty' : 'holds only white space'
    return new MillraceError('decode-failed', `the value ${what}, which is not JSON`, {
      hint: 'write JSON, for instance null, or give the topic the codec string()',
    })
  }
  const at = Math.min(jsonFaultAt(text), text.length)
  const what = at >= text.length ? 'ends too early' : 'is not JSON'
  const bom = text.startsWith('\uFEFF')
  return new MillraceError(
    'decode-failed',
    `the value ${what} at position ${at}: ${excerpt(text, at)}`,
    {
      hint: bom
        ? 'the value begins with a byte order mark; write JSON without one'
        : 'write one JSON value a record, or give the topic the codec that fits: string(), bytes()',
      cause,
    },
  )
}

/** Longest piece of a bad value in a message, in UTF-16 units. */
const excerptLength = 60

/** At most `excerptLength` of the text around `at`, on one line. */
function excerpt(text: string, at: number): string {
  const start = Math.max(0, Math.min(at - excerptLength / 2, text.length - excerptLength))
  const piece = text.slice(start, start + excerptLength).toWellFormed()
  const line = piece.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ')
  const before = start > 0 ? '…' : ''
  const after = start + excerptLength < text.length ? '…' : ''
  return `${before}${line}${after}`
}

function notUtf8(block: Buffer, start: number, end: number): MillraceError {
  const shown = block.toString('utf8', start, Math.min(end, start + excerptLength))
  return new MillraceError(
    'decode-failed',
    `the value's ${end - start} bytes are not valid UTF-8: ${excerpt(shown, 0)}`,
    { hint: 'write text as UTF-8, or give the topic the codec bytes()' },
  )
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const type = typeof value
  return type === 'object' ? 'an object' : `a ${type}`
}

function firstLine(text: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text : text.slice(0, end).trimEnd()
}
