/**
 * In an outbox, the type of a record's key: its bytes are text alike, and a sink shall have the key
 * that the pipeline had. No header: a string, or no key.
 */
import { keyOfText, typeOfKey } from '../core/key.ts'
import type { Key, KeyType } from '../core/key.ts'

export const keyTypeHeader = 'millrace-key-type'

interface TypeHeader {
  readonly name: string
  readonly value: Uint8Array
}

/** One list for each type, made once. */
const headersOf: Readonly<Record<Exclude<KeyType, 'string'>, readonly TypeHeader[]>> = {
  number: headersFor('number'),
  bigint: headersFor('bigint'),
  boolean: headersFor('boolean'),
  array: headersFor('array'),
}

function headersFor(type: KeyType): readonly TypeHeader[] {
  return [{ name: keyTypeHeader, value: Buffer.from(type) }]
}

export function keyTypeHeaders(key: Key): readonly TypeHeader[] | undefined {
  const type = typeOfKey(key)
  return type === 'string' ? undefined : headersOf[type]
}

/** @param text the record's key */
export function typedKey(
  text: string,
  headers: readonly { readonly name: string; readonly value: Uint8Array | null }[],
): Key {
  const header = headers.find((one) => one.name === keyTypeHeader)
  if (header === undefined || header.value === null) return text
  const type = Buffer.from(header.value).toString()
  return Object.hasOwn(headersOf, type) ? keyOfText(text, type as KeyType) : text
}
