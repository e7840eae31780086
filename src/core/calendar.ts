/**
 * Periods of the calendar of a time zone as stretches of time: days, weeks and months as its clocks
 * show them, over daylight-saving changes too.
 *
 * A period begins at the first instant at which the zone's clock shows its local start or later.
 * So where clocks are put forward over midnight it begins at that change; where they are put back
 * over it, at the first of the two midnights. Each period ends where the next one begins: they tile
 * time without gap or overlap, and a day has 23, 24, 25 or, in some zones, other lengths. A local
 * day that a zone left out (Pacific/Apia, 2011-12-30) has no length and holds no instant.
 *
 * Offsets come from `Intl` (the IANA time zone database that Node brings along); dates are
 * proleptic Gregorian. An `Intl` call costs microseconds: periods found are remembered.
 */
import { MillraceError } from './error.ts'

export type CalendarUnit = 'day' | 'week' | 'month'

export interface CalendarRule {
  readonly unit: CalendarUnit
  /** Units in a period, counted from 1970-01-01, weeks from Monday 1969-12-29. */
  readonly count: number
  /** IANA name. */
  readonly timeZone: string
  /** Local start of a period after local midnight, ms. */
  readonly offsetMs: number
}

/** [startMs, endMs). */
export interface Period {
  readonly startMs: number
  readonly endMs: number
}

const dayMs = 86_400_000
const hourMs = 3_600_000
/** Largest distance from 1970 that `Intl` takes. */
const instantMax = 8.64e15
/** No clock is further from UTC: zones stay within 16 hours, Manila until 1844 included. */
const offsetHoursMax = 18
/** Two changes of a zone's offset are further apart. */
const probeHours = 3
/** Periods remembered: more than a pipeline has open at a time. About 100 bytes each. */
const periodsMax = 1024

export class Calendar {
  readonly #rule: CalendarRule
  readonly #zone: Zone
  /** Known periods in order of time. */
  #periods: Period[] = []

  /** @throws `invalid-argument` for an unknown time zone */
  constructor(rule: CalendarRule) {
    this.#rule = rule
    this.#zone = new Zone(rule.timeZone)
  }

  /** The period that holds an instant. @param timeMs whole ms, −8.64e15 to 8.64e15 */
  periodAt(timeMs: number): Period {
    const periods = this.#periods
    const at = firstAfter(periods, timeMs)
    const known = periods[at - 1]
    if (known !== undefined && timeMs < known.endMs) return known
    const found = this.#find(timeMs)
    if (periods.length < periodsMax) periods.splice(at, 0, found)
    else this.#periods = [found]
    return found
  }

  #find(timeMs: number): Period {
    let index = this.#indexOf(timeMs + this.#zone.offsetAt(timeMs) - this.#rule.offsetMs)
    // The clock may show a day before or after the period's: it was put back over its start.
    while (this.#startOf(index) > timeMs) index -= 1
    while (this.#startOf(index + 1) <= timeMs) index += 1
    return { startMs: this.#startOf(index), endMs: this.#startOf(index + 1) }
  }

  #startOf(index: number): number {
    return this.#zone.firstAt(this.#localStart(index) + this.#rule.offsetMs)
  }

  /** Number of the period of a local time. */
  #indexOf(localMs: number): number {
    const { unit, count } = this.#rule
    const day = Math.floor(localMs / dayMs)
    if (unit === 'day') return Math.floor(day / count)
    if (unit === 'week') return Math.floor((day + daysToMonday) / (7 * count))
    return Math.floor(monthOfDay(day) / count)
  }

  /** Local time of a period's start, without the offset. */
  #localStart(index: number): number {
    const { unit, count } = this.#rule
    if (unit === 'day') return index * count * dayMs
    if (unit === 'week') return (index * 7 * count - daysToMonday) * dayMs
    return dayOfMonth(index * count) * dayMs
  }
}

/** @throws `invalid-argument` for an unknown time zone */
export function checkTimeZone(timeZone: string): void {
  offsetFormat(timeZone)
}

/** From Monday 1969-12-29 to 1970-01-01. */
const daysToMonday = 3

/** Where the first period that starts after an instant stands. */
function firstAfter(periods: readonly Period[], timeMs: number): number {
  let low = 0
  let high = periods.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((periods[middle] as Period).startMs <= timeMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Clocks of a time zone. */
export class Zone {
  readonly #format: Intl.DateTimeFormat

  constructor(timeZone: string) {
    this.#format = offsetFormat(timeZone)
  }

  /** Local time − UTC, ms. Beyond the range of dates as at its end. */
  offsetAt(timeMs: number): number {
    const within = Math.min(Math.max(timeMs, -instantMax), instantMax)
    const parts = this.#format.formatToParts(within)
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
    return offsetOf(name)
  }

  /** The first instant at which clocks show a local time (ms as if it were UTC) or a later one. */
  firstAt(localMs: number): number {
    let first = Number.POSITIVE_INFINITY
    for (let hours = -offsetHoursMax; hours <= offsetHoursMax; hours += probeHours) {
      const timeMs = localMs - this.offsetAt(localMs + hours * hourMs)
      if (timeMs < first && timeMs + this.offsetAt(timeMs) === localMs) first = timeMs
    }
    return first === Number.POSITIVE_INFINITY ? this.#changeOver(localMs) : first
  }

  /** The change at which clocks are put forward over a local time, which they never show. */
  #changeOver(localMs: number): number {
    let before = localMs - offsetHoursMax * hourMs
    let after = localMs + offsetHoursMax * hourMs
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (middle + this.offsetAt(middle) < localMs) before = middle
      else after = middle
    }
    return after
  }
}

function offsetFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  } catch (cause) {
    throw new MillraceError('invalid-argument', `there is no time zone '${timeZone}'`, {
      hint: "use an IANA name such as 'Europe/Berlin' or 'UTC'",
      cause,
    })
  }
}

/** `GMT+05:30`, `GMT-00:01:15`, `GMT` as ms. */
function offsetOf(name: string): number {
  const match = /([+\u2212-])(\d{1,2}):?(\d{2})?(?::?(\d{2}))?$/.exec(name)
  if (match === null) return 0
  const [, sign, hours, minutes = 0, seconds = 0] = match
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return sign === '+' ? ms : -ms
}

const daysIn400Years = 146_097

/**
 * Months since January 1970 of a day since 1970-01-01. Years are counted from March, so that the
 * leap day is the last of a year (as in Howard Hinnant's `civil_from_days`).
 */
function monthOfDay(day: number): number {
  const shifted = day + 719_468 // since 0000-03-01
  const era = Math.floor(shifted / daysIn400Years)
  const dayOfEra = shifted - era * daysIn400Years
  const leaps =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - daysBeforeYear(yearOfEra)
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  // January 1970 is month 10 of the year from March 1969.
  return (era * 400 + yearOfEra - 1969) * 12 + monthFromMarch - 10
}

/** Day since 1970-01-01 of the first of a month since January 1970. */
function dayOfMonth(month: number): number {
  const fromMarch = month + 10
  const year = Math.floor(fromMarch / 12) + 1969
  const monthFromMarch = fromMarch - Math.floor(fromMarch / 12) * 12
  const era = Math.floor(year / 400)
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5)
  return era * daysIn400Years + daysBeforeYear(year - era * 400) + dayOfYear - 719_468
}

/** Days of an era before one of its years. */
function daysBeforeYear(yearOfEra: number): number {
  return yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
}
