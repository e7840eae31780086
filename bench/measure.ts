/**
 * What every benchmark case prints, and how it measures itself. One case is one process, so that
 * peaks and CPU time are its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One row of the table. */
export interface Figure {
  readonly name: string
  /** What was reached, with its unit. */
  readonly reached: string
  /** The same as a number, by which the median of several runs is found. */
  readonly score: number
  /** What is aimed at. */
  readonly aim: string
  readonly met: boolean
  readonly cpuSecondsPerMillion: number | null
  readonly peakMiB: number
  readonly note: string
}

export interface Meter {
  seconds(): number
  cpuSeconds(): number
}

export function meter(): Meter {
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  return {
    seconds: () => (performance.now() - startedMs) / 1000,
    cpuSeconds: () => {
      const used = process.cpuUsage(cpu)
      return (used.user + used.system) / 1e6
    },
  }
}

/** Prints one figure as a line of JSON for `bench.ts`. */
export function report(figure: Omit<Figure, 'peakMiB'>): void {
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024)
  process.stdout.write(`${JSON.stringify({ ...figure, peakMiB })}\n`)
}

/** The figure of a case that moves records. */
export function throughput(options: {
  readonly name: string
  readonly records: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly aimPerSecond: number
  readonly note?: string
}): Omit<Figure, 'peakMiB'> {
  const perSecond = options.records / options.seconds
  return {
    name: options.name,
    reached: `${inThousands(perSecond)}/s`,
    score: perSecond,
    aim: `≥ ${inThousands(options.aimPerSecond)}/s`,
    met: perSecond >= options.aimPerSecond,
    cpuSecondsPerMillion: (options.cpuSeconds / options.records) * 1e6,
    note: options.note ?? '',
  }
}

function inThousands(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : `${Math.round(count / 1000)} k`
}

/**
 * Runs `use` with an empty directory that is removed afterwards. `MILLRACE_BENCH_DIR` says where;
 * default: the system's.
 */
export async function inTempDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(process.env['MILLRACE_BENCH_DIR'] ?? tmpdir(), 'millrace-bench-'))
  try {
    return await use(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
