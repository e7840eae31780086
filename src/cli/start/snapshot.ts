/** All that the screen shows, at one moment: the results, and how the running parts are doing. */
import type { TaskStatus } from '../../engine/task-status.ts'
import type { Bundled } from './bundled.ts'
import type { Results } from './results.ts'

export interface Snapshot extends Results {
  readonly runningMs: number
  readonly vitals: { readonly sampleCount: number } | null
  readonly flights: {
    readonly speed: number
    readonly state: string
    /** How far the recording's clock has come; null before its first row. */
    readonly reachedMs: number | null
    readonly watermarkMs: number | null
    readonly rowCount: number
  } | null
  /** Records that the sources gave and the pipelines wrote, a second, since the snapshot before. */
  readonly inPerSecond: number
  readonly outPerSecond: number
  readonly commitsPerSecond: number
  /** Of this run. */
  readonly totals: Totals
  /** Records in the log that the pipelines have not taken yet. */
  readonly lag: number
}

export interface Totals {
  readonly inCount: number
  readonly outCount: number
  readonly commitCount: number
}

/** Makes a snapshot a call; remembers the last one's totals for the rates. */
export class Snapshots {
  readonly #bundled: Bundled
  readonly #speed: number
  readonly #startedMs: number
  #lastMs: number
  #outBefore: number | null = null
  #taskCommits = 0
  #last: Totals = { inCount: 0, outCount: 0, commitCount: 0 }

  constructor(bundled: Bundled, options: { readonly speed: number; readonly nowMs: number }) {
    this.#bundled = bundled
    this.#speed = options.speed
    this.#startedMs = options.nowMs
    this.#lastMs = options.nowMs
  }

  /** @param nowMs monotonic time */
  take(results: Results, nowMs: number): Snapshot {
    const { vitals, flights, pipelines } = this.#bundled
    const tasks = pipelines.status()
    const totals = this.#totals(tasks, results)
    const seconds = Math.max(nowMs - this.#lastMs, 1) / 1000
    const last = this.#last
    const rate = (now: number, before: number): number => (now - before) / seconds
    this.#last = totals
    this.#lastMs = nowMs
    const position = flights?.status().position ?? null
    return {
      ...results,
      runningMs: nowMs - this.#startedMs,
      vitals: vitals === null ? null : { sampleCount: vitals.status().position?.sample ?? 0 },
      flights:
        flights === null
          ? null
          : {
              speed: this.#speed,
              state: flights.status().state,
              reachedMs: position?.arrivesAt ?? null,
              watermarkMs: tasks.find((task) => task.pipeline === 'flights')?.watermarkMs ?? null,
              rowCount: position?.rowCount ?? 0,
            },
      inPerSecond: rate(totals.inCount, last.inCount),
      outPerSecond: rate(totals.outCount, last.outCount),
      commitsPerSecond: rate(totals.commitCount, last.commitCount),
      totals,
      lag: add(tasks.flatMap(({ inputs }) => inputs.map(({ lag }) => lag))),
    }
  }

  #totals(tasks: readonly TaskStatus[], { counts }: Results): Totals {
    const { vitals, flights } = this.#bundled
    const sources = [vitals?.status(), flights?.status()].filter((one) => one !== undefined)
    // What is in the log counts, also when a task has ended or started anew since.
    const outCount = add(outputTopics.map((topic) => counts.get(topic) ?? 0))
    this.#outBefore ??= outCount
    const ofTasks = add(tasks.map(({ counters }) => counters.commits))
    this.#taskCommits = Math.max(this.#taskCommits, ofTasks)
    return {
      inCount: add(sources.map(({ recordCount }) => recordCount)),
      outCount: outCount - this.#outBefore,
      commitCount: add(sources.map(({ commitCount }) => commitCount)) + this.#taskCommits,
    }
  }
}

/** Where the examples write to. */
const outputTopics: readonly string[] = [
  'vitals-1s',
  'vitals-10s',
  'vitals-alerts',
  'flights-by-airport',
  'flights-worst',
  'flights.late',
  'flights.dead',
]

function add(numbers: readonly number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0)
}
