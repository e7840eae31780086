/** Windows: how event time is cut for `window`. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { TumblingWindow } from './node.ts'

/**
 * The window of a result: event times from `start` (inclusive) to `end` (exclusive), ms since 1970.
 */
export interface Window {
  readonly start: number
  readonly end: number
  /** 1, 2, … on a result given again because a record came late, but within `lateness`. */
  readonly revision?: number
  /**
   * Where a window gives several results: `early` before it is complete, `final` the one at its
   * close, `late` those after it. Not there with `emit: 'final'`.
   */
  readonly pane?: 'early' | 'final' | 'late'
}

/**
 * Windows of one length, one behind the other, without gap or overlap, aligned to 1970-01-01 UTC.
 * @param size from `'1ms'`; a record at exactly the end belongs to the next window
 * @throws `invalid-duration` · `invalid-argument` for `'0ms'`
 * @example
 * tumbling('1m') // 10:00:00.000 to 10:00:59.999, 10:01:00.000 to …
 */
export function tumbling(size: Duration): TumblingWindow {
  const sizeMs = durationMs(size, 'window size')
  if (sizeMs < 1) {
    throw new MillraceError('invalid-argument', `window size cannot be '${size}'`, {
      hint: "use at least '1ms'",
    })
  }
  return { kind: 'tumbling', sizeMs, offsetMs: 0, time: 'event' }
}
