/** What the oracle's files share: rows, lines, the three kinds of events, days and decimals. */
import type { Auction, Bid, NexmarkEvent, Person } from '../events.ts'

/** Columns in the order of the result file. A column that is undefined is left out there. */
export type OracleRow = Readonly<Record<string, string | number | undefined>>

/** The bounded result of a query over all events, in order of arrival; rows in any order. */
export type Oracle = (events: readonly NexmarkEvent[]) => readonly OracleRow[]

/** Compact JSON, one line a row without a line end, sorted by code unit. */
export function rowsToLines(rows: readonly OracleRow[]): string[] {
  const lines = rows.map((row) => JSON.stringify(row))
  return lines.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

export function bidsOf(events: readonly NexmarkEvent[]): Bid[] {
  return events.filter((event) => event.type === 'bid')
}

export function auctionsOf(events: readonly NexmarkEvent[]): Auction[] {
  return events.filter((event) => event.type === 'auction')
}

export function personsOf(events: readonly NexmarkEvent[]): Person[] {
  return events.filter((event) => event.type === 'person')
}

/** `2015-07-15`, UTC. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}

/** `00:01`, UTC. */
export function minuteOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 16)
}

/** The greatest multiple of the size that is not above the time. */
export function windowStart(timeMs: number, sizeMs: number): number {
  return Math.floor(timeMs / sizeMs) * sizeMs
}

/** The average of whole numbers, truncated. Exact: the sum is below 2^53 and so is every step. */
export function truncatedAverage(sum: number, count: number): number {
  return (sum - (sum % count)) / count
}

export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

/** Not `Math.max(...numbers)`: as arguments, a hundred thousand numbers overflow the call stack. */
export function greatestOf(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => (a > b ? a : b), Number.NEGATIVE_INFINITY)
}

export function leastOf(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => (a < b ? a : b), Number.POSITIVE_INFINITY)
}
