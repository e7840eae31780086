/**
 * What each step of a task does: records on the edges between steps, the time that a step itself
 * takes, and, while somebody looks at a step, its last records. An edge costs one call and one
 * addition a record; time is taken of one record in 1,024. Nothing of it changes a result.
 */
import type { Key } from '../core/key.ts'
import type { Push } from './operators/operator.ts'

/** Every so many records of an entry, a power of two, one is timed through all steps. */
const sampleEvery = 1_024
/** Records kept of a step that is looked at. */
const lastMax = 5
/** Buckets for a factor of two; the middle of a bucket is at most 9 % off. */
const bucketsPerOctave = 4
const octaves = 40

/** From one step to the next. `from` is '' where records enter the task. */
export interface EdgeFigures {
  readonly from: string
  readonly to: string
  records: number
}

export interface SeenRecord {
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
}

/** Of a step that is looked at; the oldest first. */
export interface LastRecords {
  readonly taken: SeenRecord[]
  readonly given: SeenRecord[]
}

export class StepFigures {
  readonly edges: EdgeFigures[] = []
  /** By step. */
  readonly dead = new Map<string, number>()
  readonly late = new Map<string, number>()
  readonly #times = new Map<string, Uint32Array>()
  readonly #nowNs: () => number
  readonly #watched = new Map<string, LastRecords>()
  #isTiming = false
  /** Whether records take the long way, on which they are timed and kept. */
  #isLooking = false
  /** Spent in steps behind the one that is timed. */
  #behindNs = 0

  /** @param nowNs monotonic; only differences are looked at */
  constructor(nowNs: () => number) {
    this.#nowNs = nowNs
  }

  /** Counts what goes from one step to another. */
  edge(from: string, to: string, push: Push): Push {
    const edge = this.#edge(from, to)
    return (value, key, time) => {
      edge.records += 1
      if (this.#isLooking) this.#see(edge, push, value, key, time)
      else push(value, key, time)
    }
  }

  /** Counts what enters the task, and chooses what is timed. */
  entry(to: string, push: Push): Push {
    const edge = this.#edge('', to)
    return (value, key, time) => {
      edge.records += 1
      if (edge.records % sampleEvery === 0) this.#sample(edge, push, value, key, time)
      else if (this.#isLooking) this.#see(edge, push, value, key, time)
      else push(value, key, time)
    }
  }

  isDead(step: string): void {
    this.dead.set(step, (this.dead.get(step) ?? 0) + 1)
  }

  isLate(step: string): void {
    this.late.set(step, (this.late.get(step) ?? 0) + 1)
  }

  /** From now on the last records of this step are kept; empty at first. */
  watch(step: string): LastRecords {
    let last = this.#watched.get(step)
    if (last === undefined) {
      last = { taken: [], given: [] }
      this.#watched.set(step, last)
    }
    this.#isLooking = true
    return last
  }

  /** Lets go of what was kept of it. */
  unwatch(step: string): void {
    this.#watched.delete(step)
    this.#isLooking = this.#watched.size > 0
  }

  /** Times of the step itself, without those behind it; null: none was taken yet. */
  timesOf(step: string): { readonly p50Ns: number; readonly p99Ns: number } | null {
    const buckets = this.#times.get(step)
    if (buckets === undefined) return null
    return { p50Ns: percentile(buckets, 0.5), p99Ns: percentile(buckets, 0.99) }
  }

  #edge(from: string, to: string): EdgeFigures {
    const known = this.edges.find((edge) => edge.from === from && edge.to === to)
    if (known !== undefined) return known
    const edge = { from, to, records: 0 }
    this.edges.push(edge)
    return edge
  }

  #sample(edge: EdgeFigures, push: Push, value: unknown, key: Key | null, time: number): void {
    const wasLooking = this.#isLooking
    this.#isTiming = true
    this.#isLooking = true
    this.#behindNs = 0
    try {
      this.#see(edge, push, value, key, time)
    } finally {
      this.#isTiming = false
      this.#isLooking = wasLooking
    }
  }

  #see(edge: EdgeFigures, push: Push, value: unknown, key: Key | null, timeMs: number): void {
    const { from, to } = edge
    keep(this.#watched.get(to)?.taken, { value, key, timeMs })
    keep(this.#watched.get(from)?.given, { value, key, timeMs })
    if (!this.#isTiming) return push(value, key, timeMs)
    const before = this.#behindNs
    this.#behindNs = 0
    const startedNs = this.#nowNs()
    push(value, key, timeMs)
    const tookNs = this.#nowNs() - startedNs
    this.#take(to, Math.max(0, tookNs - this.#behindNs))
    this.#behindNs = before + tookNs
    return undefined
  }

  #take(step: string, ns: number): void {
    let buckets = this.#times.get(step)
    if (buckets === undefined) {
      buckets = new Uint32Array(octaves * bucketsPerOctave)
      this.#times.set(step, buckets)
    }
    const at = Math.floor(Math.log2(Math.max(1, ns)) * bucketsPerOctave)
    const bucket = Math.min(at, buckets.length - 1)
    buckets[bucket] = (buckets[bucket] as number) + 1
  }
}

function keep(list: SeenRecord[] | undefined, record: SeenRecord): void {
  if (list === undefined) return
  list.push(record)
  if (list.length > lastMax) list.shift()
}

function percentile(buckets: Uint32Array, share: number): number {
  const wanted = buckets.reduce((sum, count) => sum + count, 0) * share
  let seen = 0
  for (const [at, count] of buckets.entries()) {
    seen += count
    if (seen >= wanted && count > 0) return Math.round(2 ** ((at + 0.5) / bucketsPerOctave))
  }
  return 0
}
