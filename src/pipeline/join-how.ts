/** How two streams are joined, as values: `within`, `sameWindow`, `asOf`. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { refuse } from './checked.ts'
import type { WindowSpec } from './window-spec.ts'

/** Made by `within`: pairs whose event times are close enough. */
export interface Within {
  readonly kind: 'within'
  readonly beforeMs: number
  readonly afterMs: number
}
/** Made by `within('forever')`: all pairs of a key. */
export interface Forever {
  readonly kind: 'forever'
}
/** Made by `sameWindow`: pairs within one window. */
export interface SameWindow {
  readonly kind: 'same-window'
  readonly window: WindowSpec
}
/** Made by `asOf`: each left record with the newest right one before it. */
export interface AsOf {
  readonly kind: 'as-of'
  readonly toleranceMs: number
}
/** How two streams are joined. */
export type StreamJoin = Within | Forever | SameWindow | AsOf

/**
 * How far the event time of a right record may lie from the left one's, both ends included:
 * right.time in [left.time − before, left.time + after]. A minus turns a side round:
 * `{ before: '-1m', after: '5m' }` is 1 to 5 minutes after the left record.
 */
export interface TimeRange {
  /** Default `'0ms'`. */
  readonly before?: Duration
  /** Default `'0ms'`. */
  readonly after?: Duration
}

/**
 * For `join`: pairs of records of one key whose event times are close.
 *
 * Each pair comes once, when the second of the two arrives. A record is kept until event time has
 * passed the last instant at which a partner for it can come. As Flink's interval join and Kafka
 * Streams' `JoinWindows`.
 * @param range `'5m'`: at most 5 minutes apart, whichever comes first; `{ before, after }`: how
 * much earlier and later the right record may be; `'forever'`: all pairs of a key, for `type:
 * 'inner'` only. With `'forever'` every record is kept for good: its state only grows.
 * @throws `invalid-duration` · `invalid-argument`; an interval that holds nothing (`'-5m'`, or
 * `before` + `after` below zero) is refused with the plan: `invalid-plan`
 * @example
 * from(orders).join(from(payments), within('5m'))
 * from(orders).join(from(payments), within({ before: '1m', after: '5m' }), { type: 'left' })
 */
export function within(range: 'forever'): Forever
export function within(range: Duration | TimeRange): Within
export function within(range: Duration | TimeRange | 'forever'): Forever | Within {
  if (range === 'forever') return { kind: 'forever' }
  if (typeof range === 'string') {
    const ms = signedMs(range, 'within')
    return { kind: 'within', beforeMs: ms, afterMs: ms }
  }
  if (typeof range !== 'object' || range === null) {
    throw refuse("within takes a duration, { before, after } or 'forever'", range)
  }
  const { before = '0ms', after = '0ms' } = range
  return {
    kind: 'within',
    beforeMs: signedMs(before, 'before'),
    afterMs: signedMs(after, 'after'),
  }
}

/**
 * For `join`: pairs of records of one key that fall into the same window, when it closes. Results
 * `{ window, left, right }` come in order of window end, key, arrival of the left, then of the
 * right record; their event time is the window's last ms. As Flink's window join.
 * @param window tumbling, sliding, cumulative or calendar windows of event time; another kind is
 * refused with the plan: `invalid-plan`
 * @throws `invalid-argument`
 * @example
 * from(orders).join(from(payments), sameWindow(tumbling('10s')), { type: 'full' })
 */
export function sameWindow(window: WindowSpec): SameWindow {
  if (typeof window?.kind !== 'string') {
    throw refuse("sameWindow takes a window, for instance tumbling('1m')", window)
  }
  return { kind: 'same-window', window }
}

/**
 * For `join`: each left record with the newest right record of its key that is not younger, at most
 * `tolerance` older. Of several of the same time the one that came last. For `type: 'inner'` and
 * `'left'`. As the as-of join of kdb+ and of pandas' `merge_asof`.
 * @param tolerance from `'0ms'`: exactly the same time
 * @throws `invalid-duration`
 * @example
 * from(trades).join(from(quotes), asOf('1s'))
 */
export function asOf(tolerance: Duration): AsOf {
  return { kind: 'as-of', toleranceMs: durationMs(tolerance, 'asOf') }
}

/** Durations have no sign of their own. */
function signedMs(text: string, name: string): number {
  if (typeof text === 'string' && text.startsWith('-')) return 0 - durationMs(text.slice(1), name)
  return durationMs(text, name)
}
