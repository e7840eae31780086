/** What `millrace start` says before and after. */
import { relative } from 'node:path'
import { count, minuteOf } from './format.ts'
import type { Snapshot } from './snapshot.ts'

export interface IntroOptions {
  /** The data directory; null: in memory. */
  readonly place: string | null
  /** Where the page is; null: there is none. */
  readonly page: string | null
  readonly speed: number
  readonly vitals: boolean
  readonly flights: boolean
  /** Why the flights do not run; null when they do or were left out. */
  readonly missing: string | null
  /** Flights and samples of the runs before; null in an empty data directory. */
  readonly before: Before | null
  /** As the user starts the command: `npx millrace`. */
  readonly command: string
  /** What follows a command so that it finds the data: ` --data DIR`, or nothing. */
  readonly dataOption: string
  /** The flights' pipeline file, as a path that the user can type. */
  readonly planFile: string
}

/** What the runs before have left. */
export interface Before {
  readonly sampleCount: number
  readonly flightCount: number
  readonly reachedMs: number | null
}

export function introText(options: IntroOptions): string {
  const { place, page, speed, vitals, flights, missing, before } = options
  const running = [
    ...(vitals
      ? ['  vitals   this machine, sampled every 250 ms → windows of 1 s and 10 s, alerts']
      : []),
    ...(flights
      ? [`  flights  US flights of 2001, ${speed} × as fast → delays by airport and hour`]
      : []),
  ]
  return [
    `Millrace runs ${vitals && flights ? 'two examples' : 'an example'} on real input:`,
    ...running,
    ...(page === null ? [] : [`Page: ${page}`]),
    ...(missing === null ? [] : [`  (no flights: ${missing})`]),
    ...(before === null ? [] : [beforeText(before)]),
    ...(place === null
      ? ['Data: in memory, gone at the end. Stop: Ctrl-C.']
      : [
          `Data: ${place} (kept for 7 days, at most 256 MB a topic)`,
          'Stop: Ctrl-C. After kill -9, too, the next start goes on where it was.',
          'Try in another terminal:',
          ...tries(options).map((line) => `  ${line}`),
        ]),
    '',
  ].join('\n')
}

function tries({ vitals, flights, command, dataOption, planFile }: IntroOptions): string[] {
  return [
    ...(vitals ? [`${command} consume vitals-1s --follow${dataOption}`] : []),
    ...(flights ? [`${command} consume flights-worst --follow${dataOption}`] : []),
    `${command} topics list${dataOption}`,
    `${command} plan ${planFile}`,
  ]
}

function beforeText({ sampleCount, flightCount, reachedMs }: Before): string {
  const parts = [
    ...(flightCount > 0 && reachedMs !== null
      ? [`${count(flightCount)} flights up to ${minuteOf(reachedMs)}`]
      : []),
    ...(sampleCount > 0 ? [`${count(sampleCount)} samples`] : []),
  ]
  return `Goes on where it was: ${parts.join(', ')}.`
}

/** @param again the command that goes on there; null where nothing is left */
export function summaryText(snapshot: Snapshot, again: string | null): string {
  const { totals, vitals, flights, counts } = snapshot
  const parts = [
    ...(vitals === null ? [] : [`${count(vitals.sampleCount)} samples`]),
    ...(flights === null || flights.reachedMs === null
      ? []
      : [`${count(flights.rowCount)} flights up to ${minuteOf(flights.reachedMs)}`]),
  ]
  const late = flights === null ? '' : `, ${count(counts.get('flights.late') ?? 0)} late`
  const inText = `${count(totals.inCount)} records in`
  const outText = `${count(totals.outCount)} results out`
  return [
    `Stopped after ${inText}, ${outText} and ${count(totals.commitCount)} commits.`,
    `In the log: ${parts.join(' and ')}${late}.`,
    ...(again === null ? [] : [`It goes on there: ${again}`]),
  ].join('\n')
}

/** A path as a user would type it: relative where that is shorter. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short === '' ? '.' : short.length < path.length ? short : path
}
