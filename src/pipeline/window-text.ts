/** Windows in words: for plans, and for the names of steps. */
import { unreachable } from '../core/assert.ts'
import { formatDuration } from '../core/duration.ts'
import type { CalendarWindow, TriggerSpec, WindowSpec } from './window-spec.ts'

/** For people: `sliding 10s every 2s`. */
export function windowText(window: WindowSpec): string {
  switch (window.kind) {
    case 'tumbling':
      return `tumbling ${formatDuration(window.sizeMs)}${extras(window)}`
    case 'sliding': {
      const every = formatDuration(window.everyMs)
      return `sliding ${formatDuration(window.sizeMs)} every ${every}${extras(window)}`
    }
    case 'trailing':
      return `trailing ${formatDuration(window.sizeMs)}${extras(window)}`
    case 'session':
      return `session, gap ${formatDuration(window.gapMs)}${extras(window)}`
    case 'count':
      return window.every === window.size
        ? `${window.size} records`
        : `${window.size} records every ${window.every}`
    case 'global':
      return `global, ${triggerText(window.trigger)}`
    case 'cumulative': {
      const step = formatDuration(window.stepMs)
      return `cumulative ${formatDuration(window.sizeMs)} by ${step}${extras(window)}`
    }
    case 'calendar':
      return `${window.count} ${window.unit} in ${window.timeZone}${extras(window)}`
    default:
      return unreachable(window)
  }
}

/** What is kept between records, and how it grows. */
export function windowState(window: WindowSpec): string {
  switch (window.kind) {
    case 'sliding':
    case 'cumulative':
      return 'one entry for each key and slice of open windows'
    case 'trailing':
      return `one entry for each key and second of the last ${formatDuration(window.sizeMs)}`
    case 'session':
      return 'one entry for each key with open sessions'
    case 'count':
    case 'global':
      return 'state grows with the number of keys'
    default:
      return 'one entry for each key and open window'
  }
}

/** For a step's name: `10s`, `session-10s`. */
export function windowLabel(window: WindowSpec): string {
  switch (window.kind) {
    case 'tumbling':
      return formatDuration(window.sizeMs)
    case 'sliding':
      return `${formatDuration(window.sizeMs)}-every-${formatDuration(window.everyMs)}`
    case 'trailing':
      return `trailing-${formatDuration(window.sizeMs)}`
    case 'session':
      return `session-${formatDuration(window.gapMs)}`
    case 'count':
      return window.every === window.size
        ? `count-${window.size}`
        : `count-${window.size}-every-${window.every}`
    case 'global':
      return 'global'
    case 'cumulative':
      return `cumulative-${formatDuration(window.sizeMs)}-by-${formatDuration(window.stepMs)}`
    case 'calendar':
      return `calendar-${window.count}${unitLabels[window.unit]}`
    default:
      return unreachable(window)
  }
}

const unitLabels: Readonly<Record<CalendarWindow['unit'], string>> = {
  day: 'd',
  week: 'w',
  month: 'mo',
}

function triggerText(trigger: TriggerSpec): string {
  const purge = trigger.purge ? ', then empty' : ''
  return trigger.kind === 'count'
    ? `every ${trigger.records} records${purge}`
    : `every ${formatDuration(trigger.everyMs)} of ${trigger.time} time${purge}`
}

function extras(window: { readonly offsetMs?: number; readonly time: string }): string {
  const offset = window.offsetMs ? `, offset ${formatDuration(window.offsetMs)}` : ''
  return `${offset}${window.time === 'processing' ? ', processing time' : ''}`
}
