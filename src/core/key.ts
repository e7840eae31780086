/**
 * Keys. Three forms: the value a user computes (`Key`), the text in a record's key bytes
 * (`encodeKey`), and the identity under which state is found (`stateKey`). No key at all is null
 * and has none of them.
 */
import { unreachable } from './assert.ts'
import { textAt } from './codec.ts'
import { MillraceError } from './error.ts'

/** What one part of a key can be. */
export type KeyPart = string | number | bigint | boolean
/** What records can be grouped by. Arrays are compared by content. */
export type Key = KeyPart | readonly KeyPart[]

/**
 * The text whose UTF-8 bytes are the record's key: a string as it is, so that other Kafka programs
 * put it into the same partition; numbers, bigints and booleans as JavaScript writes them, arrays
 * as JSON. Two keys of one type never share a text; of different types they may (1 and '1'): a
 * topic's keys are of one type.
 * @throws `invalid-argument` for what is no key, and for a string with half a surrogate pair, which
 * UTF-8 cannot hold
 */
export function encodeKey(key: Key): string {
  if (typeof key === 'string') {
    if (key.isWellFormed()) return key
    throw new MillraceError(
      'invalid-argument',
      'a key has half a surrogate pair, which UTF-8 cannot hold',
      {
        hint: 'cut strings between characters, or call toWellFormed()',
      },
    )
  }
  switch (typeof key) {
    case 'number': // String(-0) is '0'
    case 'bigint':
    case 'boolean':
      return String(key)
    default:
      return encodeParts(key)
  }
}

/** What `encodeKey` made a text of. */
export type KeyType = 'string' | 'number' | 'bigint' | 'boolean' | 'array'

export function typeOfKey(key: Key): KeyType {
  return typeof key === 'object' ? 'array' : (typeof key as Exclude<KeyType, 'array'>)
}

/**
 * The key that `encodeKey` made a text of.
 * @param text as `encodeKey` gave it
 */
export function keyOfText(text: string, type: KeyType): Key {
  switch (type) {
    case 'string':
      return text
    case 'number':
      return Number(text)
    case 'bigint':
      return BigInt(text)
    case 'boolean':
      return text === 'true'
    case 'array':
      return decodeParts(text)
    default:
      return unreachable(type)
  }
}

/**
 * The identity of a key in state, fit for a Map: equal exactly where the keys are equal (1 ≠ '1' ≠
 * 1n; NaN = NaN; −0 = 0). Strings and numbers stay as they are; the rest gets a tag after U+0000.
 * @throws `invalid-argument` for what is no key
 */
export function stateKey(key: Key): string | number {
  switch (typeof key) {
    case 'string':
      return key.charCodeAt(0) === 0 ? `\0s${key}` : key
    case 'number':
      return key === key ? key + 0 : '\0n' // −0 + 0 is 0
    case 'bigint':
      return `\0i${key}`
    case 'boolean':
      return key ? '\0t' : '\0f'
    default:
      return `\0a${encodeParts(key)}`
  }
}

/** The key that `stateKey` was given. */
export function keyOfState(state: string | number): Key {
  if (typeof state === 'number' || state.charCodeAt(0) !== 0) return state
  const rest = state.slice(2)
  switch (state[1]) {
    case 's':
      return rest
    case 'n':
      return Number.NaN
    case 'i':
      return BigInt(rest)
    case 't':
      return true
    case 'f':
      return false
    case 'a':
      return decodeParts(rest)
    default:
      throw new MillraceError('state-corrupt', `${JSON.stringify(state)} is not a key of state`)
  }
}

/**
 * A record's key bytes as text. Keys of other types are computed from the value; bytes alone do not
 * tell their type.
 * @throws `decode-failed` where the bytes are not UTF-8
 */
export function decodeKey(bytes: Buffer, start: number, end: number): string {
  return textAt(bytes, start, end)
}

/**
 * A total order, the same on every machine: booleans, numbers (NaN last), bigints, strings by code
 * point, arrays part by part, the shorter first.
 * @returns negative, 0 or positive; 0 exactly where `stateKey` gives the same
 */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (typeof a === 'object' && typeof b === 'object') {
    const shared = Math.min(a.length, b.length)
    for (let i = 0; i < shared; i++) {
      const order = compareKeys(a[i] as KeyPart, b[i] as KeyPart)
      if (order !== 0) return order
    }
    return a.length - b.length
  }
  const byType = rank(a) - rank(b)
  if (byType !== 0) return byType
  if (a < b) return -1
  if (a > b) return 1
  return Number(a !== a) - Number(b !== b)
}

function rank(key: Key): number {
  switch (typeof key) {
    case 'boolean':
      return 0
    case 'number':
      return 1
    case 'bigint':
      return 2
    case 'string':
      return 3
    default:
      return 4
  }
}

/**
 * By code point: as the order of the UTF-8 bytes. JavaScript's `<` compares UTF-16 units, where
 * U+FFFF > U+10000.
 */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return unitOrder(left) - unitOrder(right)
  }
  return a.length - b.length
}

/** Moves the surrogates (of code points from U+10000 on) above U+E000 to U+FFFF. */
function unitOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/**
 * JSON; what JSON has no literal for is an object, which no part can be: `{"bigint":"7"}`,
 * `{"number":"NaN"}`.
 */
function encodeParts(key: unknown): string {
  if (!Array.isArray(key)) throw notKey(key)
  let text = '['
  for (let i = 0; i < key.length; i++) {
    if (i > 0) text += ','
    text += encodePart(key[i])
  }
  return `${text}]`
}

function encodePart(part: unknown): string {
  switch (typeof part) {
    case 'string':
      return JSON.stringify(part)
    case 'number':
      return Number.isFinite(part) ? String(part) : `{"number":"${part}"}`
    case 'bigint':
      return `{"bigint":"${part}"}`
    case 'boolean':
      return String(part)
    default:
      throw notKey(part)
  }
}

function decodeParts(text: string): KeyPart[] {
  const parts = JSON.parse(text) as (KeyPart | { bigint?: string; number?: string })[]
  return parts.map((part) => {
    if (typeof part !== 'object') return part
    return part.bigint === undefined ? Number(part.number) : BigInt(part.bigint)
  })
}

function notKey(value: unknown): MillraceError {
  const kind =
    value === null || value === undefined
      ? String(value)
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
  return new MillraceError('invalid-argument', `${kind} cannot be a key`, {
    hint: 'a key is a string, number, bigint or boolean, or an array of these',
  })
}
