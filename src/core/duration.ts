/**
 * Durations as users write them: a literal such as `'5s'`, checked by the compiler; inside, a whole
 * number of ms.
 */
import { MillraceError } from './error.ts'

/**
 * A length of time: a number and one unit, nothing between them. `'250ms'`, `'5s'`, `'1.5h'`,
 * `'1d'`.
 */
export type Duration = `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

const unitMs: Readonly<Record<Unit, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const exact = /^(\d+)(?:\.(\d+))?(ms|s|m|h|d)$/
/** Longest text looked at: far more digits than the largest duration has. */
const textLengthMax = 64

/**
 * @param text e.g. `'5s'`; a fraction is fine where the result is a whole number of ms
 * @param name what the duration is for, as the message shall call it: `outOfOrder`
 * @returns whole ms, 0 to 2^53 - 1
 * @throws `invalid-duration`, its hint naming the nearest right form
 */
export function durationMs(text: Duration | (string & {}), name: string): number {
  const match = typeof text === 'string' && text.length <= textLengthMax ? exact.exec(text) : null
  if (match === null) throw refuse(name, text, 'is not a duration', nearest(text))
  const fraction = match[2] ?? ''
  const unit = match[3] as Unit
  // In integers: 1.005 * 1000 is not 1005 in floating point.
  const scaled = BigInt(`${match[1]}${fraction}`) * BigInt(unitMs[unit])
  const scale = 10n ** BigInt(fraction.length)
  const ms = scaled / scale
  if (ms > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw refuse(name, text, 'is too long', "write at most '104249991d'")
  }
  if (ms * scale !== scaled) {
    throw refuse(name, text, 'is not a whole number of milliseconds', `write '${ms}ms'`)
  }
  return Number(ms)
}

/**
 * Shortest exact text for people: `1m30s`, `250ms`, `1d`; `0ms` for nothing. Fractions of a ms are
 * rounded.
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms)
  let rest = Math.round(Math.abs(ms))
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / unitMs[unit])
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMs[unit]
  }
  if (text === '') return '0ms'
  return ms < 0 ? `-${text}` : text
}

function refuse(name: string, given: unknown, what: string, hint: string): MillraceError {
  const shown = typeof given === 'string' ? `'${given.slice(0, textLengthMax)}'` : String(given)
  return new MillraceError('invalid-duration', `${name} ${shown} ${what}`, { hint })
}

const anyForm = "write a number and a unit: '250ms', '5s', '10m', '2h' or '1d'"
const loose = /^([+-]?(?:0x[\da-f]+|\d*\.?\d+(?:e[+-]?\d+)?))\s*([a-z]*)$/i
const compound = /^(?:\d+(?:ms|[smhd]))+$/
const words: readonly (readonly [RegExp, Unit])[] = [
  [/^(?:ms|msecs?|millis|milliseconds?)$/i, 'ms'],
  [/^(?:s|secs?|seconds?)$/i, 's'],
  [/^(?:m|mins?|minutes?)$/i, 'm'],
  [/^(?:h|hrs?|hours?)$/i, 'h'],
  [/^(?:d|days?)$/i, 'd'],
]

/** What the user most likely meant, as a hint. */
function nearest(given: unknown): string {
  if (typeof given === 'number' && given >= 0) return `write '${given}ms' or '${given}s'`
  if (typeof given !== 'string' || given.length > textLengthMax) return anyForm
  const text = given.trim()
  if (compound.test(text)) {
    const total = [...text.matchAll(/(\d+)(ms|[smhd])/g)].reduce(
      (sum, part) => sum + Number(part[1]) * unitMs[part[2] as Unit],
      0,
    )
    return Number.isSafeInteger(total) ? `write '${inOneUnit(total)}'` : anyForm
  }
  const match = loose.exec(text)
  const count = Math.abs(Number(match?.[1]))
  const plain = String(count)
  if (match === null || !/^\d+(?:\.\d+)?$/.test(plain)) return anyForm
  if (match[2] === '') return `write '${plain}ms' or '${plain}s'`
  const unit = words.find(([pattern]) => pattern.test(match[2] as string))?.[1]
  if (unit === undefined) return anyForm
  const sign = match[1]?.startsWith('-') ? 'a duration is never negative; ' : ''
  return `${sign}write '${plain}${unit}'`
}

/** In the largest unit that needs no fraction. */
function inOneUnit(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms > 0 && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}
