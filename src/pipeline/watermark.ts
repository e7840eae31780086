/** Watermark strategies: what users give as a topic's `watermark`. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { refuse } from './checked.ts'
import type { WatermarkSpec } from './watermark-spec.ts'

/** How far event time has come, by the records of a topic. */
export interface WatermarkStrategy {
  readonly kind: 'watermark-strategy'
  readonly spec: WatermarkSpec
  readonly outOfOrderMs: number
}

/**
 * Event times run behind the largest one seen by at most this much: the same as the topic option
 * `outOfOrder`. Later ones are late.
 * @throws `invalid-duration`
 * @example
 * const at = json<{ at: number }>()
 * topic('readings', { codec: at, time: (r) => r.at, watermark: bounded('5s') })
 */
export function bounded(outOfOrder: Duration): WatermarkStrategy {
  return strategy({ kind: 'bounded' }, durationMs(outOfOrder, 'bounded'))
}

/**
 * Event times of a partition never go back (equal ones are fine): each record moves event time to
 * its own. A record that does go back is late.
 * @example
 * const at = json<{ at: number }>()
 * topic('trades', { codec: at, time: (t) => t.at, watermark: ascending() })
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
 *   codec: json<{ id: string; at: number }>(),
 *   key: (m) => m.id,
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

function strategy(spec: WatermarkSpec, outOfOrderMs: number): WatermarkStrategy {
  return { kind: 'watermark-strategy', spec, outOfOrderMs }
}
