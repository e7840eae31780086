/** Windows: how time is cut for `window`; the window of a result. */
import { checkTimeZone } from '../core/calendar.ts'
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import { refuse } from './checked.ts'
import type {
  CalendarWindow,
  CumulativeWindow,
  SessionWindow,
  SlidingWindow,
  TrailingWindow,
  TumblingWindow,
  WindowTime,
} from './window-spec.ts'

/**
 * The window of a result: event times from `start` (inclusive) to `end` (exclusive), ms since 1970.
 * Of a session, `end` is the last record + gap, and a record at exactly `end` would belong to it.
 */
export interface Window {
  readonly start: number
  readonly end: number
  /**
   * 1, 2, … on a result given again after the window's close, because a record came late, but
   * within `lateness`.
   */
  readonly revision?: number
  /**
   * Where a window gives several results: `early` before it is complete, `final` the one at its
   * close, `late` those after it. Not there with `emit: 'final'`.
   */
  readonly pane?: 'early' | 'final' | 'late'
}

/** Whose time a window follows. */
export interface WindowTimeOption {
  /**
   * `'event'` (default): the records' own time. `'processing'`: the wall clock at the moment a
   * record is processed; a window closes when the clock is at its end, and nothing is late.
   */
  readonly time?: WindowTime
}

export interface WindowAlignment extends WindowTimeOption {
  /** Moves all windows by so much from 1970-01-01 UTC; less than their distance. Default none. */
  readonly offset?: Duration
}

/**
 * Windows of one length, one behind the other, without gap or overlap, aligned to 1970-01-01 UTC.
 * @param size `'1ms'` to `'1000000d'`; a record at exactly the end belongs to the next window
 * @param options `offset`: less than `size`, moves the alignment (days that begin at 06:00 UTC:
 * `{ offset: '6h' }`) · `time`
 * @throws `invalid-duration` · `invalid-argument` for `'0ms'`
 * @example
 * tumbling('1m') // 10:00:00.000 to 10:00:59.999, 10:01:00.000 to …
 */
export function tumbling(size: Duration, options: WindowAlignment = {}): TumblingWindow {
  const sizeMs = lengthMs(size, 'window size')
  return { kind: 'tumbling', sizeMs, ...alignment(options, sizeMs) }
}

/**
 * Windows of one length that overlap: a new one every `every`, so that a record belongs to
 * size / every of them. A record changes one slice of the state, however many windows share it;
 * slices are merged when a window gives its result. What is kept is in order of slice, then of
 * arrival: the results of `first`, `last` and `collect` follow that order. Of a key's windows each
 * that holds a record gives a result.
 * @param size `'1ms'` to `'1000000d'`
 * @param options `every`: up to `size`, need not divide it · `offset`: less than `every` · `time`
 * @throws `invalid-duration` · `invalid-argument` for `every` longer than `size`: records between
 * windows would belong to none
 * @example
 * sliding('10s', { every: '2s' }) // 10:00:00 to 10:00:09.999, 10:00:02 to 10:00:11.999, …
 */
export function sliding(
  size: Duration,
  options: WindowAlignment & { readonly every: Duration },
): SlidingWindow {
  const sizeMs = lengthMs(size, 'window size')
  const everyMs = lengthMs(options?.every ?? '', 'every')
  if (everyMs > sizeMs) {
    throw refuse(
      `every is at most the size '${size}', or records between windows are lost`,
      options.every,
    )
  }
  return { kind: 'sliding', sizeMs, everyMs, ...alignment(options, everyMs) }
}

/**
 * For each record, all records of its key within the last `size` up to its own time t: those with
 * times in (t − size, t]. The result comes when event time has passed t, so it holds what came out
 * of order as well, and records of one key and one time share one result. Its window is
 * { start: t − size + 1, end: t + 1 }. Records are merged in order of time, then of arrival.
 *
 * As with windows that slide by 1 ms, a record counts for every such window that is not past yet:
 * one whose own window is past gives no result of its own, but counts in those of later records. It
 * is late when event time has reached t + size + lateness.
 * @param size `'1ms'` to `'1000000d'`
 * @throws `invalid-duration` · `invalid-argument` for `'0ms'`
 * @example
 * from(payments).window(trailing('10m')).aggregate({ n: count(), total: sum((p) => p.amount) })
 */
export function trailing(size: Duration, options: WindowTimeOption = {}): TrailingWindow {
  return { kind: 'trailing', sizeMs: lengthMs(size, 'window size'), time: timeOf(options) }
}

/**
 * Records of a key with no more than `gap` between one and the next. Two sessions that a record
 * comes between merge when it is within `gap` of both. The window is { start: first record, end:
 * last record + gap }.
 *
 * A record at exactly `end` still belongs to it. So a session is complete when event time has
 * passed `end` (end + 1 ms), one ms later than another window with that end, and its result's event
 * time is `end`, the last instant that belongs to it.
 *
 * Within `lateness` a record may still extend a closed session, or join it to others: the result is
 * given again with a `revision`, with the window as it is then, at once where that is closed too,
 * else when it closes. Earlier results of the sessions joined lie within that window.
 * @param gap `'1ms'` to `'1000000d'`
 * @throws `invalid-duration` · `invalid-argument` for `'0ms'`
 * @example
 * from(clicks).window(session('30m')).aggregate({ n: count(), pages: distinct((c) => c.page) })
 */
export function session(gap: Duration, options: WindowTimeOption = {}): SessionWindow {
  return { kind: 'session', gapMs: lengthMs(gap, 'gap'), time: timeOf(options) }
}

/**
 * Windows that grow: from the start of each period of length `within` one to each step, the last
 * one to the period's end. Where a key has a record in the first step, each further step gives it a
 * result, also without new records.
 * @param step `'1ms'` or longer; divides `within`
 * @param options `within`: length of a period, aligned to 1970-01-01 UTC · `offset`: less than
 * `within` · `time`
 * @throws `invalid-duration` · `invalid-argument`
 * @example
 * cumulative('1h', { within: '1d' }) // 00:00 to 01:00, 00:00 to 02:00, … 00:00 to 24:00
 */
export function cumulative(
  step: Duration,
  options: WindowAlignment & { readonly within: Duration },
): CumulativeWindow {
  const stepMs = lengthMs(step, 'step')
  const sizeMs = lengthMs(options?.within ?? '', 'within')
  if (sizeMs % stepMs !== 0) {
    throw refuse(`within is a whole number of steps of '${step}'`, options.within)
  }
  return { kind: 'cumulative', stepMs, sizeMs, ...alignment(options, sizeMs) }
}

/** Days, weeks, months or years: a whole number and a unit. */
export type CalendarPeriod = `${number}d` | `${number}w` | `${number}mo` | `${number}y`

const periodForm = /^([1-9]\d{0,4})(d|w|mo|y)$/
const units = {
  d: { unit: 'day', count: 1, leastMs: 86_400_000 },
  w: { unit: 'week', count: 1, leastMs: 7 * 86_400_000 },
  mo: { unit: 'month', count: 1, leastMs: 28 * 86_400_000 },
  y: { unit: 'month', count: 12, leastMs: 365 * 86_400_000 },
} as const

/**
 * Days, weeks (from Monday), months or years as the clocks of a time zone show them, from local
 * midnight, also over daylight-saving changes: such a day has 23 or 25 hours. Several units count
 * from January 1970: `'3mo'` are the quarters of a year, `'2d'` and `'2w'` go through. Where a zone
 * skips midnight, a day begins at the change; where it has two, at the first.
 * @param period 1 to 99999 of `d`, `w`, `mo` or `y`
 * @param options `timeZone`: IANA name, `'UTC'` too · `offset`: start after local midnight, less
 * than 23 h a day of the period (weeks from Sunday: `{ offset: '6d' }`) · `time`
 * @throws `invalid-argument` for another period, or a time zone that does not exist ·
 * `invalid-duration`
 * @example
 * from(sales).window(calendar('1mo', { timeZone: 'Europe/Berlin' })).aggregate({ sales: count() })
 */
export function calendar(
  period: CalendarPeriod,
  options: WindowAlignment & { readonly timeZone: string },
): CalendarWindow {
  const match = typeof period === 'string' ? periodForm.exec(period) : null
  if (match === null) throw refuse("calendar takes '1d', '2w', '3mo' or '1y'", period)
  const { unit, count: each, leastMs } = units[match[2] as keyof typeof units]
  const count = Number(match[1])
  const timeZone = options?.timeZone
  if (typeof timeZone !== 'string') throw refuse("calendar takes a timeZone, as 'UTC'", timeZone)
  // A day may have 23 hours; no window may begin behind its end.
  const aligned = alignment(options, Math.floor((leastMs * count * 23) / 24))
  checkTimeZone(timeZone)
  return { kind: 'calendar', unit, count: count * each, timeZone, ...aligned }
}

/** Longest window: event times up to ±8.64e15 ms and so much beyond are whole numbers. */
const lengthMsMax = 8.64e13

function lengthMs(text: Duration, name: string): number {
  const ms = durationMs(text, name)
  if (ms >= 1 && ms <= lengthMsMax) return ms
  throw new MillraceError('invalid-argument', `${name} cannot be '${text}'`, {
    hint: ms < 1 ? "use at least '1ms'" : "use at most '1000000d'",
  })
}

function alignment(
  { offset = '0ms', time }: WindowAlignment,
  belowMs: number,
): { offsetMs: number; time: WindowTime } {
  const offsetMs = durationMs(offset, 'offset')
  if (offsetMs >= belowMs) throw refuse(`offset is less than ${belowMs} ms here`, offset)
  return { offsetMs, time: timeOf(time === undefined ? {} : { time }) }
}

function timeOf({ time = 'event' }: WindowTimeOption): WindowTime {
  if (time === 'event' || time === 'processing') return time
  throw refuse("time is 'event' or 'processing'", time)
}
