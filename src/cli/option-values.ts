/** What stands behind an option, as text, into values. All of them refuse with what to write. */
import { InvalidArgumentError } from 'commander'
import { durationMs } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'

/** @returns a parser of whole numbers from `min` to `max` */
export function wholeNumber(
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
    throw new InvalidArgumentError(`Write a whole number ${range}.`)
  }
}

/** A duration of at least 1 ms, or `none`. @returns ms, or null for none */
export function durationOrNone(text: string): number | null {
  if (text === 'none') return null
  try {
    const ms = durationMs(text, 'duration')
    if (ms > 0) return ms
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    throw new InvalidArgumentError(sentence(error.hint ?? error.message))
  }
  throw new InvalidArgumentError("Write at least '1ms', or 'none' for no limit.")
}

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** `1048576`, `500MB`, `2GiB`. @returns bytes, at least 1 */
export function byteCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text)
  const unit = byteUnits[(match?.[2] ?? '?').toLowerCase()]
  const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match?.[1]) * unit)
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes
  throw new InvalidArgumentError("Write a number of bytes, as '1048576', '500MB' or '2GiB'.")
}

/** As `byteCount`, or null for `none`. */
export function bytesOrNone(text: string): number | null {
  return text === 'none' ? null : byteCount(text)
}

/** A number above 0, fractions allowed. */
export function positiveNumber(text: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= 1e9) return value
  throw new InvalidArgumentError('Write a number above 0.')
}

/** At least one character. */
export function someText(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('Write at least one character.')
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
