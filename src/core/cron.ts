/**
 * Times in the notation of cron: minute, hour, day of the month, month, day of the week. Where both
 * days are restricted, either will do, as in every cron since Version 7.
 *
 * Over changes of daylight-saving time, as vixie cron has it: an expression whose minute or hour
 * begins with `*` means real time, so that `0 * * * *` comes each hour, also in the one that clocks
 * show twice. Any other one names times of the day: each comes once a day, at the first of two;
 * where clocks are put forward over it, at that change.
 */
import { Zone } from './calendar.ts'
import { MillraceError } from './error.ts'

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  /** Names of values, from `least` on. */
  readonly words?: readonly string[]
}

const fields: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  {
    name: 'month',
    least: 1,
    most: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    name: 'day of the week',
    least: 0,
    most: 7, // 0 and 7 are Sunday
    words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
]

/** Longest expression looked at. */
const textLengthMax = 1_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** The 29th of February on a given expression is at most so far away, over 1900 and 2100 too. */
const searchDaysMax = 366 * 9

export class Cron {
  readonly #minutes: readonly number[]
  readonly #hours: readonly number[]
  readonly #minute: ReadonlySet<number>
  readonly #hour: ReadonlySet<number>
  readonly #day: ReadonlySet<number>
  readonly #month: ReadonlySet<number>
  readonly #weekday: ReadonlySet<number>
  /** Both days are restricted. */
  readonly #isEitherDay: boolean
  /** It is real time, not times of the day. */
  readonly #isSteady: boolean
  readonly #zone: Zone

  /**
   * @param text five fields: numbers, names (`mon`, `jan`), ranges `1-5`, lists `1,15`, steps
   * `8-18/2`, all of them by a star
   * @param timeZone IANA name: whose clock is meant
   * @throws `invalid-argument`, also for a day that never comes
   */
  constructor(text: string, timeZone: string) {
    const parts =
      typeof text === 'string' && text.length <= textLengthMax ? text.trim().split(/\s+/) : []
    if (parts.length !== fields.length) {
      throw refuse(text, `has ${parts[0] === '' ? 0 : parts.length} fields, not 5`)
    }
    const values = fields.map((field, i) => valuesOf(text, field, parts[i] ?? ''))
    const [minute, hour, day, month, weekday] = values as [Values, Values, Values, Values, Values]
    this.#minute = minute
    this.#hour = hour
    this.#minutes = [...minute].toSorted((a, b) => a - b)
    this.#hours = [...hour].toSorted((a, b) => a - b)
    this.#day = day
    this.#month = month
    this.#weekday = new Set([...weekday].map((one) => one % 7))
    const isStar = (i: number): boolean => parts[i]?.startsWith('*') === true
    this.#isEitherDay = !isStar(2) && !isStar(4)
    this.#isSteady = isStar(0) || isStar(1)
    this.#zone = new Zone(timeZone)
    if (!this.#isEitherDay && !hasDay(day, month))
      throw refuse(text, 'names a day that never comes')
  }

  /**
   * The first time after an instant.
   * @param afterMs ms since 1970, −8e15 to 8e15
   * @returns ms since 1970; for a steady expression a whole minute of the zone's clock
   */
  next(afterMs: number): number {
    return this.#isSteady ? this.#nextSteady(afterMs) : this.#nextNamed(afterMs)
  }

  /** Goes on from minute to minute, over hours and days that have none. */
  #nextSteady(afterMs: number): number {
    const endMs = afterMs + searchDaysMax * dayMs
    for (let atMs = this.#nextMinute(afterMs, minuteMs); atMs < endMs;) {
      const local = new Date(atMs + this.#zone.offsetAt(atMs))
      if (!this.#isDay(local)) {
        const midnight = startOfDay(local.getTime()) + dayMs
        // Clocks that are put back over midnight: it must go on.
        atMs = Math.max(this.#zone.firstAt(midnight), this.#nextMinute(atMs, hourMs))
      } else if (!this.#hour.has(local.getUTCHours())) atMs = this.#nextMinute(atMs, hourMs)
      else if (!this.#minute.has(local.getUTCMinutes())) atMs = this.#nextMinute(atMs, minuteMs)
      else return atMs
    }
    throw never(afterMs)
  }

  /** The next whole hour or minute of the zone's clock, in real time. */
  #nextMinute(atMs: number, unitMs: number): number {
    const localMs = atMs + this.#zone.offsetAt(atMs)
    const next = atMs + (Math.floor(localMs / unitMs) + 1) * unitMs - localMs
    if (unitMs === minuteMs) return next
    // A change of the clock may lie between: not beyond it.
    const isShifted = this.#zone.offsetAt(next) !== this.#zone.offsetAt(atMs)
    return isShifted ? this.#nextMinute(atMs, minuteMs) : next
  }

  #nextNamed(afterMs: number): number {
    // A day before: clocks may have been put back over midnight.
    const first = startOfDay(afterMs + this.#zone.offsetAt(afterMs)) - dayMs
    for (let days = 0; days < searchDaysMax; days++) {
      const dayStart = first + days * dayMs
      if (!this.#isDay(new Date(dayStart))) continue
      const found = this.#firstOfDay(dayStart, afterMs)
      if (found !== null) return found
    }
    throw never(afterMs)
  }

  /** The first of a day's times after an instant. Times of a day never go back: by halves. */
  #firstOfDay(dayStart: number, afterMs: number): number | null {
    const minuteCount = this.#minutes.length
    const timeOf = (i: number): number => {
      const hour = this.#hours[Math.floor(i / minuteCount)] ?? 0
      const minute = this.#minutes[i % minuteCount] ?? 0
      return this.#zone.firstAt(dayStart + hour * hourMs + minute * minuteMs)
    }
    const count = this.#hours.length * minuteCount
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >> 1
      if (timeOf(middle) > afterMs) high = middle
      else low = middle + 1
    }
    return low < count ? timeOf(low) : null
  }

  #isDay(local: Date): boolean {
    if (!this.#month.has(local.getUTCMonth() + 1)) return false
    const isDay = this.#day.has(local.getUTCDate())
    const isWeekday = this.#weekday.has(local.getUTCDay())
    return this.#isEitherDay ? isDay || isWeekday : isDay && isWeekday
  }
}

type Values = ReadonlySet<number>

function valuesOf(text: string, field: Field, part: string): Values {
  const { least, most, name } = field
  const values = new Set<number>()
  for (const item of part.split(',')) {
    const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d{1,4}))?$/.exec(item)
    if (match === null) throw refuse(text, `has '${item}' as ${name}`)
    const [, first, last, step] = match
    const from = first === undefined ? least : valueOf(text, field, first)
    // `5/10` is from 5 on, every 10.
    const openEnd = first === undefined || step !== undefined ? most : from
    const to = last === undefined ? openEnd : valueOf(text, field, last)
    const by = step === undefined ? 1 : Number(step)
    if (to < from) throw refuse(text, `has the range '${item}' as ${name}, which goes back`)
    if (by < 1) throw refuse(text, `has a step of ${by} as ${name}`)
    for (let value = from; value <= to; value += by) values.add(value)
  }
  return values
}

function valueOf(text: string, { name, least, most, words }: Field, given: string): number {
  const word = words?.indexOf(given.toLowerCase()) ?? -1
  if (word !== -1) return least + word
  const value = /^\d{1,2}$/.test(given) ? Number(given) : Number.NaN
  if (value >= least && value <= most) return value
  throw refuse(text, `has '${given}' as ${name}, which is from ${least} to ${most}`)
}

const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function hasDay(days: Values, months: Values): boolean {
  const first = Math.min(...days)
  return [...months].some((month) => first <= (monthDays[month - 1] ?? 0))
}

function startOfDay(localMs: number): number {
  return Math.floor(localMs / dayMs) * dayMs
}

function refuse(text: unknown, why: string): MillraceError {
  const shown = typeof text === 'string' ? `'${text.slice(0, 100)}'` : 'that'
  return new MillraceError('invalid-argument', `the cron expression ${shown} ${why}`, {
    hint: "write minute, hour, day, month and weekday: '30 3 * * mon-fri', '*/10 * * * *'",
  })
}

function never(afterMs: number): MillraceError {
  return new MillraceError('invalid-argument', `after ${afterMs} the cron expression never comes`)
}
