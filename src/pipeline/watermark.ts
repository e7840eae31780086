/** Watermark strategies: what users give as a topic's `watermark`. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { checked, refuse } from './checked.ts'
import type { WatermarkSpec } from './watermark-spec.ts'

/** How far event time has come, by the records of a topic of values `V`. */
export interface WatermarkStrategy<in V = unknown> {
  readonly kind: 'watermark-strategy'
  readonly spec: WatermarkSpec
  readonly outOfOrderMs: number
  /** Never there at run time; carries the type. */
  readonly '~accepts'?: ((value: V) => void) | undefined
}

/**
 * Event times run behind the largest one seen by at most this much: the same as the topic option
 * `outOfOrder`. Later ones are late.
 * @throws `invalid-duration`
 * @example
 * topic('readings', { time: (r: { at: number }) => r.at, watermark: bounded('5s') })
 */
export function bounded(outOfOrder: Duration): WatermarkStrategy {
  return strategy({ kind: 'bounded' }, durationMs(outOfOrder, 'bounded'))
}

/**
 * Event times of a partition never go back (equal ones are fine): each record moves event time to
 * its own. A record that does go back is late.
 * @example
 * topic('trades', { time: (t: { at: number }) => t.at, watermark: ascending() })
 */
export function ascending(): WatermarkStrategy {
  return strategy({ kind: 'bounded' }, 0)
}

/**
 * Each key of a partition has its own time line, as devices that send what they gathered while they
 * were away: event time is the least of (largest seen − `outOfOrder`) over the partition's keys. So
 * no device makes another one late.
 * @param options.outOfOrder within one key; default `'0ms'`
 * @param options.idleAfter a key that is so far behind the furthest one, in event time, no longer
 *   holds it back: what still comes of it may be late. From `'1ms'`, default `'1h'`
 * @throws `invalid-duration` · `invalid-argument`
 * @example
 * topic('meters', {
 *   key: (m: { id: string; at: number }) => m.id,
 *   time: (m) => m.at,
 *   watermark: perKey({ outOfOrder: '1s', idleAfter: '10m' }),
 * })
 */
export function perKey(
  options: { readonly outOfOrder?: Duration; readonly idleAfter?: Duration } = {},
): WatermarkStrategy {
  const idleAfterMs = durationMs(options.idleAfter ?? '1h', 'idleAfter')
  if (idleAfterMs < 1) throw refuse("idleAfter takes at least '1ms'", options.idleAfter)
  const outOfOrderMs = durationMs(options.outOfOrder ?? '0ms', 'outOfOrder')
  return strategy({ kind: 'per-key', idleAfterMs }, outOfOrderMs)
}

/**
 * The records say themselves how far event time has come (a heartbeat, the end of a batch): no
 * record with a smaller event time follows in its partition. It moves on after the record; what is
 * less than before changes nothing.
 * @param fn a Date or ms since 1970; null where a record says nothing. What it throws, or gives
 *   that is no time, sends the record to `<topic>.dead`
 * @example
 * topic('orders', {
 *   time: (o: { at: number; complete?: number }) => o.at,
 *   watermark: fromData((o) => o.complete ?? null),
 * })
 */
export function fromData<V>(fn: (value: V) => Date | number | null): WatermarkStrategy<V> {
  const call = checked<Date | number | null>(fn, 'fromData')
  return strategy({ kind: 'from-data', fn: call }, 0)
}

function strategy(spec: WatermarkSpec, outOfOrderMs: number): WatermarkStrategy {
  return { kind: 'watermark-strategy', spec, outOfOrderMs }
}
