/** The screen of a running `millrace start`: a snapshot as lines, for a terminal or as one line. */
import { bar, count, elapsed, hourOf, minuteOf, percent, sparkline } from './format.ts'
import type { Snapshot } from './snapshot.ts'

const flightCount = 3_000_000
const graphWidth = 32
const worstShown = 5

/** How the board shows what matters more or less; `plain` where there are no colours. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  warn(text: string): string
}

export const plainStyle: Style = { bold: same, dim: same, warn: same }
export const colourStyle: Style = {
  bold: (text) => `\u001b[1m${text}\u001b[22m`,
  dim: (text) => `\u001b[2m${text}\u001b[22m`,
  warn: (text) => `\u001b[1;33m${text}\u001b[0m`,
}

function same(text: string): string {
  return text
}

/**
 * The board. The number of lines depends only on which examples run, so that it can be drawn in
 * place.
 */
export function boardLines(snapshot: Snapshot, style: Style = plainStyle): string[] {
  return [
    ...streamLines(snapshot, style),
    ...(snapshot.vitals === null ? [] : ['', ...vitalsLines(snapshot, style)]),
    ...(snapshot.flights === null ? [] : ['', ...flightsLines(snapshot, style)]),
  ]
}

function streamLines(snapshot: Snapshot, { bold, dim }: Style): string[] {
  const { runningMs, inPerSecond, outPerSecond, commitsPerSecond, lag } = snapshot
  const rates = [
    `${count(inPerSecond)} records/s in`,
    `${count(outPerSecond)} results/s out`,
    `${count(commitsPerSecond)} commits/s`,
    `lag ${count(lag)}`,
  ]
  return [`${bold('Millrace')}  ${elapsed(runningMs)}  ${rates.join(dim(' · '))}`]
}

function vitalsLines(
  { vitals, seconds, tenSeconds, alert, counts }: Snapshot,
  style: Style,
): string[] {
  const { bold, dim, warn } = style
  const last = seconds.at(-1)
  const row = (title: string, values: readonly number[], top: number, text: string): string =>
    `  ${title.padEnd(11)}${sparkline(values, top, graphWidth)}  ${text}`
  const loop = seconds.map(({ loopDelayMaxMs }) => loopDelayMaxMs)
  const sinceText =
    alert === null
      ? 'none: the processors were never over 80 % for 5 s'
      : `${count(counts.get('vitals-alerts') ?? 0)}, last: ${alertText(alert)}`
  const isBusy = alert?.alert === 'busy'
  const samples = count(vitals?.sampleCount ?? 0)
  return [
    `${bold('This machine')}  ${dim(`${samples} samples, in windows of a second`)}`,
    row(
      'cpu',
      seconds.map(({ cpu }) => cpu),
      1,
      last === undefined
        ? dim('the first window is open')
        : `${percent(last.cpu).padEnd(6)} ${dim(tenText(tenSeconds))}`,
    ),
    row(
      'memory',
      seconds.map(({ memory }) => memory),
      1,
      last === undefined
        ? ''
        : `${percent(last.memory).padEnd(6)} ${dim(`load ${last.load.toFixed(2)}`)}`,
    ),
    row(
      'event loop',
      loop,
      Math.max(20, ...loop),
      last === undefined ? '' : `${last.loopDelayMaxMs.toFixed(1)} ms ${dim('late at most')}`,
    ),
    `  ${'alerts'.padEnd(11)}${isBusy ? warn(sinceText) : sinceText}`,
  ]
}

function tenText(tenSeconds: Snapshot['tenSeconds']): string {
  if (tenSeconds === null) return ''
  return `10 s ${percent(tenSeconds.cpu)}, top ${percent(tenSeconds.cpuMax)}`
}

function alertText({ alert, at, seconds }: NonNullable<Snapshot['alert']>): string {
  const time = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`
  const endMs = Date.parse(at)
  const since = time(endMs - seconds * 1000)
  return alert === 'busy' ? `busy since ${since}` : `busy for ${seconds} s, until ${time(endMs)}`
}

function flightsLines({ flights, worst, counts }: Snapshot, style: Style): string[] {
  const { bold, dim } = style
  if (flights === null) return []
  const late = counts.get('flights.late') ?? 0
  const dead = count(counts.get('flights.dead') ?? 0)
  const share = flights.rowCount === 0 ? 0 : (late / flights.rowCount) * 100
  const speedText =
    flights.state === 'ended' ? 'the recording has ended' : `${flights.speed} × as fast`
  const lateText = `late ${count(late)} ${dim(`(${share.toFixed(1)} %, flights.late)`)}`
  return [
    `${bold('Flights of 2001')}  ${dim(`as they became known, ${speedText}`)}`,
    `  reached    ${minuteOr(flights.reachedMs)}   watermark ${minuteOr(flights.watermarkMs)}`,
    `  flights    ${count(flights.rowCount)} of ${count(flightCount)}  ${lateText}  dead ${dead}`,
    `  ${dim(hourText(worst))}`,
    ...worstLines(worst, style),
  ]
}

function hourText(worst: Snapshot['worst']): string {
  if (worst === null) return 'the first hour is open'
  const { start, end } = worst.window
  return `longest mean delays of the flights scheduled ${minuteOf(start)} to ${hourOf(end)}`
}

function worstLines(worst: Snapshot['worst'], { dim }: Style): string[] {
  const airports = worst?.airports ?? []
  const top = Math.max(30, ...airports.map(({ meanDelay }) => meanDelay))
  return Array.from({ length: worstShown }, (_, i) => {
    const airport = airports[i]
    if (airport === undefined) return ''
    const minutes = `${airport.meanDelay.toFixed(0).padStart(4)} min`
    const flights = `${count(airport.flights).padStart(3)} flights`
    const length = bar(airport.meanDelay, top, graphWidth)
    return `    ${airport.key.padEnd(5)}${minutes}  ${flights}  ${dim(length)}`
  })
}

function minuteOr(ms: number | null): string {
  return ms === null ? '-' : minuteOf(ms)
}

/** The same in one line, for a file or a pipe. */
export function statusLine(snapshot: Snapshot): string {
  const { vitals, flights, seconds, worst, counts } = snapshot
  const parts = [
    elapsed(snapshot.runningMs),
    `${count(snapshot.inPerSecond)} records/s, ${count(snapshot.commitsPerSecond)} commits/s`,
  ]
  const last = seconds.at(-1)
  if (vitals !== null && last !== undefined) {
    const alerts = count(counts.get('vitals-alerts') ?? 0)
    parts.push(`cpu ${percent(last.cpu)}, memory ${percent(last.memory)}, alerts ${alerts}`)
  }
  if (flights !== null) {
    const [first] = worst?.airports ?? []
    const hour = worst === null ? '' : hourOf(worst.window.start)
    const worstText =
      first === undefined ? '' : `, worst of ${hour} ${first.key} ${first.meanDelay.toFixed(0)} min`
    const late = count(counts.get('flights.late') ?? 0)
    const reached = flights.state === 'ended' ? 'the end' : minuteOr(flights.reachedMs)
    parts.push(`flights ${count(flights.rowCount)} to ${reached}${worstText}, late ${late}`)
  }
  return parts.join(' | ')
}
