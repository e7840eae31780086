/** What was seen every few seconds, and whether it stays flat. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Sample {
  /** Since the start of the run. */
  readonly seconds: number
  /** Resident memory of the engine's process. */
  readonly engineMiB: number
  /** Of this one: it knows what is still to come. */
  readonly driverMiB: number
  /** All files of the log. */
  readonly filesMiB: number
  /** Records that are written and not yet committed by the engine. */
  readonly lag: number
  readonly outputs: number
  /** Of the join, from the append of the payment; null: no result since the last sample. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null
}

export function bytesOf(dir: string): number {
  let bytes = 0
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    // A file may go away between the two calls.
    bytes += entry.isDirectory()
      ? bytesOf(path)
      : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  }
  return bytes
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export interface Flatness {
  readonly early: number
  readonly late: number
  /** late / early */
  readonly growth: number
}

/** Median of the second sixth of a run, and of the last one. */
export function flatness(
  samples: readonly Sample[],
  figure: 'engineMiB' | 'driverMiB' | 'filesMiB',
): Flatness {
  const sixth = Math.floor(samples.length / 6)
  const median = (some: readonly Sample[]): number =>
    quantile(
      some.map((each) => each[figure]),
      0.5,
    )
  const early = median(samples.slice(sixth, 2 * sixth))
  const late = median(samples.slice(-sixth))
  return { early, late, growth: late / early }
}
