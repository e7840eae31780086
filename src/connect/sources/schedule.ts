/** A record at each time that is due: every so often, or as a cron expression says. */
import type { Clock } from '../../core/clock.ts'
import { Cron } from '../../core/cron.ts'
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import { checkSourceName } from '../../pipeline/source-start.ts'
import { pause } from '../pause.ts'
import { checkOptionNames } from '../option-names.ts'
import type { Source, SourceBatch, SourceRecord } from '../source.ts'

export interface ScheduleOptions {
  /** Its position is kept under it; the key of its records. */
  readonly name: string
  /** Whole multiples of it since 1970 UTC: `'1m'` is each full minute. This, or `cron`. */
  readonly every?: Duration
  /** Minute, hour, day of the month, month, day of the week: `'30 3 * * mon-fri'`. */
  readonly cron?: string
  /** With `cron`: whose clock is meant, an IANA name. Default `'UTC'`. */
  readonly zone?: string
  /**
   * Times that came while nothing ran: give `all` of them (default), the `last` one only, or `skip`
   * them.
   */
  readonly missed?: 'all' | 'last' | 'skip'
}

/** The value of one record. */
export interface Due {
  readonly schedule: string
  /** The time that was due, ISO 8601. */
  readonly due: string
}

export interface SchedulePosition {
  /** The time given last, ms since 1970; before the first, when it began. */
  readonly lastMs: number
}

/** A long absence comes in pieces. */
const batchMax = 1_000
/** The machine's clock may be set meanwhile. */
const waitMsMax = 30_000

/**
 * A source that gives `{ schedule, due }` at each time that is due, its event time the time due: to
 * start what is to be done then, in pipelines. It begins with the first time after its first start.
 *
 * Each time comes once, however often the program is killed. With `cron`, days and hours are those
 * of the zone: a time of the day that clocks leave out comes at that change, one that they show
 * twice comes the first time; with a star as minute or hour it means real time.
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const nightly = schedule({ name: 'nightly', cron: '0 3 * * *', zone: 'Europe/Berlin' })
 * const due = topic('due', { codec: json<{ schedule: string; due: string }>(), partitions: 1 })
 * from(nightly).to(due).kind // => 'pipeline'
 */
export function schedule(options: ScheduleOptions): Source<SchedulePosition> {
  const { name, every, cron, zone, missed = 'all' } = options
  checkSourceName(name)
  const who = `source '${name}'`
  checkOptionNames(who, options, ['name', 'every', 'cron', 'zone', 'missed'])
  if ((every === undefined) === (cron === undefined)) {
    throw new MillraceError('invalid-argument', `${who} needs one of every and cron`, {
      hint: "give every: '1m', or cron: '0 3 * * *'",
    })
  }
  if (zone !== undefined && cron === undefined) {
    throw new MillraceError('invalid-argument', `${who} has a zone without cron`, {
      hint: "every is counted in UTC; write cron: '0 0 * * *' for a day of the zone",
    })
  }
  if (missed !== 'all' && missed !== 'last' && missed !== 'skip') {
    const text = `missed of ${who} has a value that it cannot have`
    throw new MillraceError('invalid-argument', text, { hint: "use 'all', 'last' or 'skip'" })
  }
  const next = every === undefined ? cronNext(cron ?? '', zone ?? 'UTC') : everyNext(who, every)
  return {
    kind: 'source',
    name,
    type: 'schedule',
    // What is left out of what was missed is not the same each time.
    replayable: missed === 'all',
    open: (position, { clock, signal }) =>
      give({ name, next, missed }, position, { clock, signal }),
  }
}

type Next = (afterMs: number) => number

function everyNext(who: string, every: Duration): Next {
  const ms = durationMs(every, 'every')
  if (ms < 1) {
    throw new MillraceError('invalid-argument', `every of ${who} cannot be '${every}'`, {
      hint: "use at least '1ms'",
    })
  }
  return (afterMs) => (Math.floor(afterMs / ms) + 1) * ms
}

function cronNext(text: string, zone: string): Next {
  const cron = new Cron(text, zone)
  return (afterMs) => cron.next(afterMs)
}

async function* give(
  { name, next, missed }: { name: string; next: Next; missed: 'all' | 'last' | 'skip' },
  position: SchedulePosition | null,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<SourceBatch<SchedulePosition>, void> {
  if (signal.aborted) return
  const openedMs = clock.now()
  let lastMs = position?.lastMs ?? openedMs
  // When it began is committed at once: from then on no time is missed.
  if (position === null) yield { records: [], position: { lastMs } }
  if (position !== null && missed !== 'all') {
    const due = lastBefore(next, lastMs, openedMs)
    if (due !== null) {
      lastMs = due
      const records = missed === 'last' ? [recordOf(name, due)] : []
      yield { records, position: { lastMs } }
    }
  }
  for (let dueMs = next(lastMs); !signal.aborted;) {
    const records: SourceRecord[] = []
    for (; dueMs <= clock.now() && records.length < batchMax; dueMs = next(dueMs)) {
      records.push(recordOf(name, dueMs))
      lastMs = dueMs
    }
    if (records.length > 0) yield { records, position: { lastMs } }
    else await pause(clock, Math.min(dueMs - clock.now(), waitMsMax), signal)
  }
}

/** The last time due after one instant, up to another; null: there is none. */
function lastBefore(next: Next, afterMs: number, toMs: number): number | null {
  if (next(afterMs) > toMs) return null
  // Ever farther back until there is one, then from there on: not from time to time of a year.
  let fromMs = afterMs
  for (let backMs = 60_000; toMs - backMs > afterMs; backMs *= 4) {
    if (next(toMs - backMs) > toMs) continue
    fromMs = toMs - backMs
    break
  }
  let found = next(fromMs)
  for (let due = found; due <= toMs; due = next(due)) found = due
  return found
}

function recordOf(name: string, dueMs: number): SourceRecord {
  const value: Due = { schedule: name, due: new Date(dueMs).toISOString() }
  return { key: name, value: JSON.stringify(value), time: dueMs }
}
