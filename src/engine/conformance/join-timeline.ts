/**
 * What a join sees of a `JoinCase`, as a plain simulation over lists: its records in the order in
 * which they are processed, and how event time moves in between.
 */
import { neverIdleMs, placesOf } from './join-case.ts'
import { leftAtMs } from './idle-model.ts'
import type { JoinCase, JoinRecord } from './join-case.ts'
import type { Restart } from './case-runner.ts'

export type JoinEvent =
  | { readonly kind: 'record'; readonly record: JoinRecord; readonly offset: number }
  | { readonly kind: 'advance'; readonly toMs: number }
  /** A restart: what only the clock had moved was not committed. */
  | { readonly kind: 'restart'; readonly toMs: number }

export interface TimelineRules {
  /** The right topic is read first, and does not hold event time back. */
  readonly isRightGlobal: boolean
}

export function timelineOf(
  one: JoinCase,
  restarts: readonly Restart[],
  rules: TimelineRules,
): JoinEvent[] {
  return new Timeline(one, restarts, rules).run()
}

interface Input {
  readonly isGlobal: boolean
  readonly queue: JoinRecord[]
  offset: number
  reachedMs: number
  isIdle: boolean
  lastAtMs: number
}

class Timeline {
  readonly #case: JoinCase
  #restarts: readonly Restart[]
  readonly #inputs: Input[]
  #allIdleSinceMs: number | null = null
  #standingMs = 0
  #watermarkMs = -Infinity
  #nowMs = 0
  readonly #events: JoinEvent[] = []

  constructor(one: JoinCase, restarts: readonly Restart[], rules: TimelineRules) {
    this.#case = one
    this.#restarts = restarts
    this.#inputs = placesOf(one).map(({ side }) => ({
      isGlobal: side === 'right' && rules.isRightGlobal,
      queue: [],
      offset: 0,
      reachedMs: -Infinity,
      isIdle: false,
      lastAtMs: 0,
    }))
  }

  run(): JoinEvent[] {
    const places = placesOf(this.#case)
    for (const [round, { records, tickMs }] of this.#case.rounds.entries()) {
      for (const record of records) {
        const { side, partition } = record
        const at = places.findIndex((each) => each.side === side && each.partition === partition)
        this.#inputs[at]?.queue.push(record)
      }
      this.#restartIfAt(round)
      for (let input = this.#next(); input !== undefined; input = this.#next()) {
        this.#take(input)
        this.#restartIfAt(round)
      }
      this.#tick(tickMs)
    }
    this.#tick(neverIdleMs)
    this.#tick(neverIdleMs)
    return this.#events
  }

  get #clocked(): Input[] {
    return this.#inputs.filter(({ isGlobal }) => !isGlobal)
  }

  /** A new task: its inputs have been quiet for as long as at the commit that it begins from. */
  #restartIfAt(round: number): void {
    const offsets = this.#inputs.map(({ offset }) => offset).join()
    const isHere = (each: Restart): boolean =>
      each.round === round && each.offsets.join() === offsets
    const restart = this.#restarts.find(isHere)
    if (restart === undefined) return
    this.#restarts = this.#restarts.filter((other) => !isHere(other))
    this.#watermarkMs = restart.watermarkMs
    this.#events.push({ kind: 'restart', toMs: restart.watermarkMs })
    for (const [i, input] of this.#inputs.entries()) {
      const quietMs = restart.quietMs[i] ?? 0
      input.isIdle = quietMs >= this.#case.idleAfterMs
      input.lastAtMs = this.#nowMs - quietMs
    }
    this.#allIdleSinceMs = null
  }

  #next(): Input | undefined {
    const ready = this.#inputs.filter(({ queue }) => queue.length > 0)
    const global = ready.find(({ isGlobal }) => isGlobal)
    if (global !== undefined) return global
    const least = Math.min(...ready.map(({ queue }) => queue[0]?.t ?? Infinity))
    return ready.find(({ queue }) => queue[0]?.t === least)
  }

  #take(input: Input): void {
    const record = input.queue.shift() as JoinRecord
    this.#events.push({ kind: 'record', record, offset: input.offset })
    input.offset += 1
    input.isIdle = false
    input.lastAtMs = this.#nowMs
    this.#allIdleSinceMs = null
    if (input.isGlobal) return
    // The task's event time moves when an input's does, and at ticks.
    const reachedMs = record.t - this.#case.outOfOrderMs
    if (reachedMs <= input.reachedMs) return
    input.reachedMs = reachedMs
    this.#advance(this.#leastActive())
  }

  #leastActive(): number {
    const active = this.#clocked.filter(({ isIdle }) => !isIdle)
    if (active.length === 0) return this.#watermarkMs
    return Math.min(...active.map(({ reachedMs }) => reachedMs))
  }

  #tick(byMs: number): void {
    this.#nowMs += byMs
    const inputs = this.#clocked
    const isQuiet = ({ lastAtMs }: Input): boolean =>
      this.#nowMs - lastAtMs >= this.#case.idleAfterMs
    const fallen = inputs.filter((input) => !input.isIdle && isQuiet(input))
    for (const input of fallen) input.isIdle = true
    if (inputs.some(({ isIdle }) => !isIdle)) {
      this.#allIdleSinceMs = null
      this.#advance(this.#leastActive())
      return
    }
    if (this.#allIdleSinceMs === null) {
      this.#allIdleSinceMs = this.#nowMs
      this.#standingMs = leftAtMs(fallen, inputs, this.#watermarkMs)
    }
    this.#advance(this.#standingMs + this.#nowMs - this.#allIdleSinceMs)
  }

  #advance(toMs: number): void {
    if (toMs <= this.#watermarkMs) return
    this.#watermarkMs = toMs
    this.#events.push({ kind: 'advance', toMs })
  }
}
