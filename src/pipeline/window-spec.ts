/** Windows as plain data; users make them with the functions of `window.ts`. */

/** Whose time a window follows: the records' own, or the wall clock when a record is processed. */
export type WindowTime = 'event' | 'processing'

/** Size in ms, shifted by `offsetMs` from 1970-01-01 UTC. */
export interface TumblingWindow {
  readonly kind: 'tumbling'
  readonly sizeMs: number
  readonly offsetMs: number
  readonly time: WindowTime
}
/** Windows of `sizeMs`, a new one every `everyMs`. */
export interface SlidingWindow {
  readonly kind: 'sliding'
  readonly sizeMs: number
  readonly everyMs: number
  readonly offsetMs: number
  readonly time: WindowTime
}
/** For each record, all of its key within the last `sizeMs` up to and with its own time. */
export interface TrailingWindow {
  readonly kind: 'trailing'
  readonly sizeMs: number
  readonly time: WindowTime
}
/** Records of a key with no more than `gapMs` between one and the next; end = last + gap. */
export interface SessionWindow {
  readonly kind: 'session'
  readonly gapMs: number
  readonly time: WindowTime
}
/** The last `size` records of a key, a new window every `every` records. */
export interface CountWindow {
  readonly kind: 'count'
  readonly size: number
  readonly every: number
}
/** One window for ever, which gives results when `trigger` says so. */
export interface GlobalWindow {
  readonly kind: 'global'
  readonly trigger: TriggerSpec
}
export type TriggerSpec =
  /** Every n records of the key. */
  | { readonly kind: 'count'; readonly records: number; readonly purge: boolean }
  /** When time has gone on by `everyMs` since the last result and something has changed. */
  | {
      readonly kind: 'interval'
      readonly everyMs: number
      readonly time: WindowTime
      readonly purge: boolean
    }
/** Grows by `stepMs` from the start of each period of `sizeMs`; each step gives a window. */
export interface CumulativeWindow {
  readonly kind: 'cumulative'
  readonly stepMs: number
  readonly sizeMs: number
  readonly offsetMs: number
  readonly time: WindowTime
}
/** Days, weeks (from Monday) or months by the clocks of a time zone. */
export interface CalendarWindow {
  readonly kind: 'calendar'
  readonly unit: 'day' | 'week' | 'month'
  readonly count: number
  /** IANA name. */
  readonly timeZone: string
  /** Start of the window after local midnight, in ms of local time. */
  readonly offsetMs: number
  readonly time: WindowTime
}

export type WindowSpec =
  | TumblingWindow
  | SlidingWindow
  | TrailingWindow
  | SessionWindow
  | CountWindow
  | GlobalWindow
  | CumulativeWindow
  | CalendarWindow

/**
 * When a window gives results. `final`: once, at its close. `updates`: with each change, and once
 * more at its close. `early`: every `everyMs` of wall-clock time if something has changed, and once
 * more at its close.
 */
export type EmissionSpec =
  | { readonly kind: 'final' }
  | { readonly kind: 'updates' }
  | { readonly kind: 'early'; readonly everyMs: number }
