/** A line of input as a record: its key and its value, as the options of `produce` say. */
import { isUtf8 } from 'node:buffer'
import { MillraceError } from '../core/error.ts'
import { jsonFaultAt } from '../core/json-fault.ts'
import { encodeKey } from '../core/key.ts'

export interface LineOptions {
  /** Splits key from value at its first place. */
  readonly keySeparator?: string
  /** Each line must be JSON. */
  readonly json?: true
  /** With `json`: the field that is the key. */
  readonly key?: string
}

export interface KeyValue {
  readonly key: Buffer | null
  readonly value: Buffer
}

/**
 * @returns what makes a record of a line; null for a line to pass over (an empty one among JSON).
 * Its errors name the line: `decode-failed` for what is no JSON, `invalid-argument` where the key
 * is missing
 */
export function lineReader(
  options: LineOptions,
): (line: Buffer, number: number) => KeyValue | null {
  if (options.json === true) return (line, number) => jsonRecord(line, number, options.key ?? null)
  if (options.keySeparator === undefined) return (line) => ({ key: null, value: line })
  const separator = Buffer.from(options.keySeparator, 'utf8')
  return (line, number) => {
    const at = line.indexOf(separator)
    if (at !== -1) return { key: line.subarray(0, at), value: line.subarray(at + separator.length) }
    throw new MillraceError('invalid-argument', `line ${number} has no '${options.keySeparator}'`, {
      hint: `write KEY${options.keySeparator}VALUE on each line, or leave --key-separator out`,
    })
  }
}

function jsonRecord(line: Buffer, number: number, field: string | null): KeyValue | null {
  if (line.length === 0) return null
  if (!isUtf8(line)) throw notJson(number, 'it is not UTF-8')
  const text = line.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const at = jsonFaultAt(text)
    const found =
      at >= text.length ? 'it ends too early' : `at column ${at + 1}: ${around(text, at)}`
    throw notJson(number, found)
  }
  return { key: field === null ? null : keyOf(value, field, number), value: line }
}

function keyOf(value: unknown, field: string, number: number): Buffer {
  const found: unknown =
    typeof value === 'object' && value !== null && Object.hasOwn(value, field)
      ? (value as Record<string, unknown>)[field]
      : undefined
  if (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') {
    return Buffer.from(encodeKey(found), 'utf8')
  }
  const what = found === undefined ? 'is not there' : 'is no text, number or boolean'
  throw new MillraceError('invalid-argument', `line ${number}: the key '${field}' ${what}`, {
    hint: 'name another field with --key, or leave it out',
  })
}

function notJson(number: number, why: string): MillraceError {
  return new MillraceError('decode-failed', `line ${number} is not JSON: ${why}`, {
    hint: 'correct the line, or leave --json out to take lines as they are',
  })
}

/** A few characters of the text, printable. */
function around(text: string, at: number): string {
  return JSON.stringify(text.slice(at, at + 20))
}
