/** Windows that no time bounds: of so many records, and the one that never ends. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { refuse } from './checked.ts'
import type { CountWindow, GlobalWindow, TriggerSpec, WindowTime } from './window-spec.ts'

/** Slices of records that a count window may be cut into: each result merges as many. */
const slicesMax = 10_000

/**
 * Windows of n records of a key, in order of arrival. Without `every` one behind the other; with
 * it, every so many records the last n (at the beginning: as many as there are, as Flink's
 * countWindow). A window's `start` is the least event time of its records, `end` the greatest + 1
 * ms; the result comes at once with the last record. Nothing is late; a window that never fills up
 * gives no result and stays.
 * @param n 1 or more
 * @param options `every`: 1 to n, default n. n / every may be at most 10,000 (by their greatest
 * common divisor)
 * @throws `invalid-argument`
 * @example
 * from(readings).window(countWindow(100, { every: 10 })).aggregate({ peak: max((r) => r.celsius) })
 */
export function countWindow(n: number, options: { readonly every?: number } = {}): CountWindow {
  const { every = n } = options
  if (!isCount(n)) throw refuse('countWindow takes a whole number of at least 1', n)
  if (!isCount(every) || every > n) throw refuse(`every is a whole number from 1 to ${n}`, every)
  if (n / recordsOfSlice({ size: n, every }) > slicesMax) {
    throw refuse(`every and ${n} have a common divisor of at least ${n / slicesMax}`, every)
  }
  return { kind: 'count', size: n, every }
}

/** Records in a slice: the largest that every window begins and ends with one. */
export function recordsOfSlice({ size, every }: { size: number; every: number }): number {
  let [larger, smaller] = [size, every]
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller]
  return larger
}

/**
 * One window of all records of a key, for ever, in order of arrival; the trigger says when it gives
 * a result. The window's `start` is the least event time of its records, `end` the greatest + 1 ms.
 * The result's event time is the greatest, or the watermark where that is further, so that no
 * later step finds it late. Nothing is late. What is kept grows with the number of keys.
 * @param trigger `onCount(n)` or `onInterval('10s')`
 * @throws `invalid-argument`
 * @example
 * from(payments).window(globalWindow(onCount(1000))).aggregate({ total: sum((p) => p.amount) })
 */
export function globalWindow(trigger: TriggerSpec): GlobalWindow {
  if (trigger?.kind !== 'count' && trigger?.kind !== 'interval') {
    throw refuse("globalWindow takes a trigger, for instance onInterval('10s')", trigger)
  }
  return { kind: 'global', trigger }
}

export interface TriggerOptions {
  /** Whether the window is emptied when it has given a result. Default false: it keeps growing. */
  readonly purge?: boolean
}

/**
 * A result every n records of a key, at once with the last of them.
 * @param n 1 or more
 * @throws `invalid-argument`
 * @example
 * globalWindow(onCount(100, { purge: true }))
 */
export function onCount(n: number, options: TriggerOptions = {}): TriggerSpec {
  if (!isCount(n)) throw refuse('onCount takes a whole number of at least 1', n)
  return { kind: 'count', records: n, purge: options.purge === true }
}

/**
 * A result for each key that has changed, in order of key, each time that passes a multiple of
 * `every` since 1970. By event time: when the watermark reaches the first multiple after the
 * record's time; all that has come until then is in it.
 * @param every from `'1ms'`
 * @param options `time`: `'event'` (default) or `'processing'`, the wall clock · `purge`
 * @throws `invalid-duration` · `invalid-argument`
 * @example
 * globalWindow(onInterval('10s'))
 */
export function onInterval(
  every: Duration,
  options: TriggerOptions & { readonly time?: WindowTime } = {},
): TriggerSpec {
  const { time = 'event', purge = false } = options
  const everyMs = durationMs(every, 'every')
  if (everyMs < 1) throw refuse("every is at least '1ms'", every)
  if (time !== 'event' && time !== 'processing') {
    throw refuse("time is 'event' or 'processing'", time)
  }
  return { kind: 'interval', everyMs, time, purge: purge === true }
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 1
}
