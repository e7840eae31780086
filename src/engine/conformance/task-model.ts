/**
 * What a task does with the records of a case, by a plain simulation over lists: which comes next,
 * how far event time has come, what is idle, what is written. What the tested step does with them
 * is said by a `ModelStep`. Nothing is shared with the engine but the words.
 */
import { partitionOf } from '../../log/partitioner.ts'
import { neverIdleMs, rawValue } from './fold-case.ts'
import { leftAtMs } from './idle-model.ts'
import type { CaseRecord, FoldCase } from './fold-case.ts'
import type { Restart } from './case-runner.ts'

/** The plain meaning of one step. */
export interface ModelStep {
  /** A record that could be decoded. */
  take(record: CaseRecord, task: TaskModel): void
  /** Event time goes on, to what is above `task.watermark` still. */
  advance(toMs: number, task: TaskModel): void
  /** The wall clock stands at `task.now`; event time has moved already. */
  tick(task: TaskModel): void
}

export class TaskModel {
  readonly #case: FoldCase
  readonly #step: ModelStep
  #restarts: readonly Restart[]
  readonly #queues: CaseRecord[][]
  readonly #offsets: number[]
  readonly #reached: number[]
  readonly #idle: boolean[]
  readonly #lastAt: number[]
  #allIdleSince: number | null = null
  #standing = 0
  watermark = -Infinity
  now = 0
  readonly #lines = new Map<string, string[]>()

  constructor(one: FoldCase, step: ModelStep, restarts: readonly Restart[]) {
    this.#case = one
    this.#step = step
    this.#restarts = restarts
    const each = <T>(make: () => T): T[] => Array.from({ length: one.partitions }, make)
    this.#queues = each(() => [])
    this.#offsets = each(() => 0)
    this.#reached = each(() => -Infinity)
    this.#idle = each(() => false)
    this.#lastAt = each(() => 0)
  }

  run(): string[] {
    for (const [round, { records, tickMs }] of this.#case.rounds.entries()) {
      for (const record of records) this.#queues[record.partition]?.push(record)
      this.#restartIfAt(round)
      for (let p = 0; p < this.#queues.length; p++) this.#skipBroken(p)
      this.#restartIfAt(round)
      for (let p = this.#earliest(); p !== -1; p = this.#earliest()) {
        this.#take(p)
        this.#skipBroken(p)
        this.#restartIfAt(round)
      }
      this.#tick(tickMs)
    }
    this.#tick(neverIdleMs)
    this.#tick(neverIdleMs)
    const places = [...this.#lines].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return places.flatMap(([place, lines]) => lines.map((line) => `${place} ${line}`))
  }

  /** A new task: its inputs have been quiet for as long as at the commit that it begins from. */
  #restartIfAt(round: number): void {
    const isHere = (restart: Restart): boolean =>
      restart.round === round && restart.offsets.join() === this.#offsets.join()
    const restart = this.#restarts.find(isHere)
    if (restart === undefined) return
    this.#restarts = this.#restarts.filter((other) => !isHere(other))
    // What only the clock has moved is not committed: it moves again.
    this.watermark = restart.watermarkMs
    for (const p of this.#idle.keys()) {
      const quietMs = restart.quietMs[p] ?? 0
      this.#idle[p] = quietMs >= this.#case.idleAfterMs
      this.#lastAt[p] = this.now - quietMs
    }
    this.#allIdleSince = null
  }

  #skipBroken(p: number): void {
    for (let head = this.#queues[p]?.[0]; head?.isBroken === true; head = this.#queues[p]?.[0]) {
      this.dead(head, 'decode-failed', 'in')
      this.#next(p)
    }
  }

  #next(p: number): void {
    this.#queues[p]?.shift()
    this.#offsets[p] = (this.#offsets[p] as number) + 1
  }

  #earliest(): number {
    let earliest = -1
    for (const [p, queue] of this.#queues.entries()) {
      const best = this.#queues[earliest]?.[0]?.t ?? Infinity
      if (queue[0] !== undefined && queue[0].t < best) earliest = p
    }
    return earliest
  }

  #take(p: number): void {
    const record = this.#queues[p]?.[0] as CaseRecord
    this.#idle[p] = false
    this.#lastAt[p] = this.now
    this.#allIdleSince = null
    this.#step.take(record, this)
    this.#next(p)
    const reached = record.t - this.#case.outOfOrderMs
    // The task's event time moves when an input's does, and at ticks.
    if (reached <= (this.#reached[p] as number)) return
    this.#reached[p] = reached
    this.#advance(this.#leastActive())
  }

  #leastActive(): number {
    const active = this.#reached.filter((_reached, p) => !this.#idle[p])
    return active.length === 0 ? this.watermark : Math.min(...active)
  }

  #tick(byMs: number): void {
    this.now += byMs
    const all = this.#reached.map((reachedMs, p) => {
      return { reachedMs, lastAtMs: this.#lastAt[p] as number }
    })
    const isQuiet = all.map(({ lastAtMs }) => this.now - lastAtMs >= this.#case.idleAfterMs)
    const fallen = all.filter((_input, p) => isQuiet[p] === true && this.#idle[p] === false)
    for (const [p, isIdle] of isQuiet.entries()) if (isIdle) this.#idle[p] = true
    if (this.#idle.includes(false)) {
      this.#allIdleSince = null
      this.#advance(this.#leastActive())
      this.#step.tick(this)
      return
    }
    if (this.#allIdleSince === null) {
      this.#allIdleSince = this.now
      this.#standing = leftAtMs(fallen, all, this.watermark)
    }
    this.#advance(this.#standing + this.now - this.#allIdleSince)
    this.#step.tick(this)
  }

  #advance(to: number): void {
    if (to <= this.watermark) return
    this.#step.advance(to, this)
    this.watermark = to
  }

  out(k: string, value: unknown, t: number): void {
    this.#line(`out/${partitionOf(Buffer.from(k), 2)}`, `${k}=${JSON.stringify(value)}@${t}`)
  }

  dead(record: CaseRecord, reason: string, step: string): void {
    const offset = this.#offsets[record.partition]
    const headers = `reason=${reason} step=${step} offset=${offset}`
    this.#line(
      `in.dead/${record.partition}`,
      `${record.k}=${rawValue(record)}@${record.t} ${headers}`,
    )
  }

  late(record: CaseRecord, step: string, end: number): void {
    const { partition, k, t } = record
    const headers = `reason=late step=${step} offset=${this.#offsets[partition]}`
    const when = `watermark=${this.watermark} window-end=${end}`
    this.#line(`in.late/${partition}`, `${k}=${rawValue(record)}@${t} ${headers} ${when}`)
  }

  /** A letter of a result, which no record in hand causes. */
  deadResult(k: string, value: unknown, at: { t: number; step: string }): void {
    const headers = `reason=step-failed step=${at.step} value=json`
    this.#line('in.dead/0', `${k}=${JSON.stringify(value)}@${at.t} ${headers}`)
  }

  #line(place: string, line: string): void {
    const lines = this.#lines.get(place) ?? []
    this.#lines.set(place, lines)
    lines.push(line)
  }
}
