/**
 * Event time inside a task. Steps that see the same watermark are one domain. Behind a step whose
 * results may be older than what has been read (an outer join's unmatched rows) a domain begins
 * whose watermark lags by that much, so that such results are in time for the steps that follow (as
 * Flink delays watermarks behind interval joins); behind an asynchronous step, one that waits for
 * the results under way.
 */
import type { Asynchronous, Stateful } from './operators/operator.ts'

export class TimeDomain {
  /** Event time reached so far, ms; −Infinity before the first. */
  watermarkMs: number = Number.NEGATIVE_INFINITY
  /** Where an advance in hand takes it. */
  nextMs: number = Number.NEGATIVE_INFINITY
  readonly parents: readonly TimeDomain[]
  readonly delayMs: number
  /** By how much it lags behind the task's watermark, as long as nothing is under way. */
  readonly lagMs: number
  /** Operators of the domain, each after those it reads from. */
  readonly stateful: Stateful[] = []
  /** The step before it whose results it waits for. */
  asynchronous: Asynchronous | null = null

  constructor(parents: readonly TimeDomain[], delayMs: number) {
    this.parents = parents
    this.delayMs = delayMs
    this.lagMs = delayMs + Math.max(0, ...parents.map((parent) => parent.lagMs))
  }

  /** Least watermark at which one of its operators has something to do; Infinity when none. */
  dueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const operator of this.stateful) due = Math.min(due, operator.watermarkDueMs())
    return due
  }
}

export class TimeDomains {
  /** What follows the task's watermark itself. */
  readonly root: TimeDomain = new TimeDomain([], 0)
  /** The root first, each after its parents. */
  readonly #all: TimeDomain[] = [this.root]
  /** Told where the task's event time is about to move; null: nobody asks. */
  beforeAdvance: ((watermarkMs: number) => void) | null = null

  /** A domain behind others. */
  behind(parents: readonly TimeDomain[], delayMs: number): TimeDomain {
    const domain = new TimeDomain(parents, delayMs)
    this.#all.push(domain)
    return domain
  }

  /** Puts event time back where a commit left it: nothing was under way then. */
  restore(watermarkMs: number): void {
    for (const domain of this.#all) {
      domain.watermarkMs = watermarkMs - domain.lagMs
      domain.nextMs = domain.watermarkMs
    }
  }

  /**
   * The task's watermark has moved to `watermarkMs`, or results under way have come: every domain
   * goes as far as it can. `begin` is called before something happens.
   */
  advance(watermarkMs: number, begin: () => void): void {
    const { root } = this
    if (this.beforeAdvance !== null && watermarkMs > root.watermarkMs)
      this.beforeAdvance(watermarkMs)
    root.nextMs = Math.max(root.watermarkMs, watermarkMs)
    for (const domain of this.#all) {
      if (domain !== root) domain.nextMs = reachOf(domain)
      if (domain.nextMs <= domain.watermarkMs || domain.nextMs < domain.dueMs()) continue
      begin()
      for (const operator of domain.stateful) operator.onWatermark(domain.nextMs)
    }
    for (const domain of this.#all) domain.watermarkMs = domain.nextMs
  }

  onRestored(): void {
    for (const { stateful } of this.#all) for (const operator of stateful) operator.onRestored()
  }

  onClock(nowMs: number, begin: () => void): void {
    for (const { stateful } of this.#all) {
      for (const operator of stateful) {
        if (operator.clockDueMs() > nowMs) continue
        begin()
        operator.onClock(nowMs)
      }
    }
  }

  /** Wall clock at which `onClock` has something to do; Infinity when none. */
  clockDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const { stateful } of this.#all)
      for (const operator of stateful) due = Math.min(due, operator.clockDueMs())
    return due
  }

  onStop(begin: () => void): void {
    for (const { stateful } of this.#all) {
      for (const operator of stateful) {
        begin()
        operator.onStop()
      }
    }
  }

  /** Least watermark of the task at which a step has something to do; Infinity when none. */
  dueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const domain of this.#all) due = Math.min(due, domain.dueMs() + domain.lagMs)
    return due
  }
}

function reachOf({ parents, delayMs, asynchronous, watermarkMs }: TimeDomain): number {
  let reach = asynchronous === null ? Number.POSITIVE_INFINITY : asynchronous.holdMs()
  for (const parent of parents) reach = Math.min(reach, parent.nextMs)
  return Math.max(watermarkMs, reach - delayMs)
}
