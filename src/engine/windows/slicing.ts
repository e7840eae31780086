/**
 * How time is cut into slices: the pieces of which windows are made, so that a record changes one
 * entry however many windows hold it (Krishnamurthy, Wu, Franklin, "On-the-Fly Sharing for Streamed
 * Aggregation", SIGMOD 2006; slices as in Flink's window table functions). Slices lie one behind
 * the other without gap or overlap, and every window begins and ends with one.
 */
import { Calendar } from '../../core/calendar.ts'
import type {
  CalendarWindow,
  CumulativeWindow,
  SlidingWindow,
  TumblingWindow,
} from '../../pipeline/window-spec.ts'
import { unreachable } from '../../core/assert.ts'

/** Windows that are cut by time alone, the same for all keys. */
export type SlicedWindow = TumblingWindow | SlidingWindow | CumulativeWindow | CalendarWindow

/** [startMs, endMs). */
export interface Slice {
  readonly startMs: number
  readonly endMs: number
  /** Ends of the first and the last window that hold it. */
  readonly firstEndMs: number
  readonly lastEndMs: number
}

export interface Slicing {
  /** The slice that holds a time. */
  sliceAt(timeMs: number): Slice
  /** Start of the window that ends there. */
  startOf(endMs: number): number
  /** From one window's end to the next; Infinity where each slice is a window of its own. */
  readonly everyMs: number
  /**
   * Whether all windows that hold a slice hold those before it too, back to one start: then slices
   * whose first window is done can be put together.
   */
  readonly grows: boolean
}

export function slicingOf(window: SlicedWindow): Slicing {
  switch (window.kind) {
    case 'tumbling':
      return tumblingSlices(window.sizeMs, window.offsetMs)
    case 'sliding':
      return window.everyMs === window.sizeMs
        ? tumblingSlices(window.sizeMs, window.offsetMs)
        : slidingSlices(window)
    case 'cumulative':
      return cumulativeSlices(window)
    case 'calendar':
      return calendarSlices(window)
    default:
      return unreachable(window)
  }
}

function tumblingSlices(sizeMs: number, offsetMs: number): Slicing {
  return {
    sliceAt: (timeMs) => {
      const startMs = floorTo(timeMs, sizeMs, offsetMs)
      return windowSlice(startMs, startMs + sizeMs)
    },
    startOf: (endMs) => endMs - sizeMs,
    everyMs: Number.POSITIVE_INFINITY,
    grows: false,
  }
}

/**
 * Edges are the starts of windows and, where `every` does not divide the size, their ends: two
 * slices for each `every`, never more than that, while slices of the greatest common divisor can be
 * as many as there are ms.
 */
function slidingSlices({ sizeMs, everyMs, offsetMs }: SlidingWindow): Slicing {
  const restMs = sizeMs % everyMs
  return {
    sliceAt: (timeMs) => {
      const lastStartMs = floorTo(timeMs, everyMs, offsetMs)
      const edgeMs = lastStartMs + restMs
      const isBehindEdge = timeMs >= edgeMs
      const startMs = isBehindEdge ? edgeMs : lastStartMs
      // Without a rest the edge is the start itself.
      const endMs = isBehindEdge ? lastStartMs + everyMs : edgeMs
      // Of all windows' ends the first that is not before the slice's: one lies at each edge.
      const firstEndMs = isBehindEdge ? edgeMs + everyMs : edgeMs
      return {
        startMs,
        endMs,
        firstEndMs,
        lastEndMs: lastStartMs + sizeMs,
      }
    },
    startOf: (endMs) => endMs - sizeMs,
    everyMs,
    grows: false,
  }
}

function cumulativeSlices({ stepMs, sizeMs, offsetMs }: CumulativeWindow): Slicing {
  return {
    sliceAt: (timeMs) => {
      const periodMs = floorTo(timeMs, sizeMs, offsetMs)
      const startMs = floorTo(timeMs, stepMs, periodMs)
      const endMs = startMs + stepMs
      return { startMs, endMs, firstEndMs: endMs, lastEndMs: periodMs + sizeMs }
    },
    // The last instant of the window tells its period: the end itself may be the next one's start.
    startOf: (endMs) => floorTo(endMs - 1, sizeMs, offsetMs),
    everyMs: stepMs,
    grows: true,
  }
}

function calendarSlices(window: CalendarWindow): Slicing {
  const calendar = new Calendar(window)
  return {
    sliceAt: (timeMs) => {
      const { startMs, endMs } = calendar.periodAt(timeMs)
      return windowSlice(startMs, endMs)
    },
    startOf: (endMs) => calendar.periodAt(endMs - 1).startMs,
    everyMs: Number.POSITIVE_INFINITY,
    grows: false,
  }
}

function windowSlice(startMs: number, endMs: number): Slice {
  return { startMs, endMs, firstEndMs: endMs, lastEndMs: endMs }
}

/** The greatest `offset + n × step` that is not above; never −0. */
function floorTo(timeMs: number, stepMs: number, offsetMs: number): number {
  return Math.floor((timeMs - offsetMs) / stepMs) * stepMs + offsetMs
}
