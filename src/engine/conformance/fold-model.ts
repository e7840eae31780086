/**
 * What must come out of a `FoldCase`: a plain simulation over lists. Each window keeps all its
 * values and folds them anew for each result; nothing is shared with the engine but the words.
 */
import { partitionOf } from '../../log/partitioner.ts'
import { neverIdleMs, rawValue, sizeMs } from './fold-case.ts'
import type { CaseRecord, FoldCase, Restart } from './fold-case.ts'

/** What the tested pipeline folds, by plain loops. */
export interface FoldRules {
  /** Steps' names, for the letters. */
  readonly step: string
  readonly resultStep: string
  readonly isWindowed: boolean
  /** The record throws before it is folded. */
  refuses(v: number): boolean
  /** The fields of a result, of all values of the key (and window) in the order they came. */
  fold(values: readonly number[]): Record<string, unknown>
  /** The step behind the fold throws. */
  poisons(values: readonly number[]): boolean
}

interface ModelWindow {
  readonly end: number
  readonly values: Map<string, number[]>
  readonly revisions: Map<string, number>
}

export function modelLines(
  one: FoldCase,
  rules: FoldRules,
  restarts: readonly Restart[],
): string[] {
  return new FoldModel(one, rules, restarts).run()
}

class FoldModel {
  readonly #case: FoldCase
  readonly #rules: FoldRules
  #restarts: readonly Restart[]
  readonly #queues: CaseRecord[][]
  readonly #offsets: number[]
  readonly #reached: number[]
  readonly #idle: boolean[]
  readonly #lastAt: number[]
  #allIdleSince: number | null = null
  #standing = 0
  #watermark = -Infinity
  #now = 0
  readonly #windows = new Map<number, ModelWindow>()
  readonly #lines = new Map<string, string[]>()

  constructor(one: FoldCase, rules: FoldRules, restarts: readonly Restart[]) {
    this.#case = one
    this.#rules = rules
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

  /** A new task: its inputs are active, as reading has just begun. */
  #restartIfAt(round: number): void {
    const isHere = (restart: Restart): boolean =>
      restart.round === round && restart.offsets.join() === this.#offsets.join()
    const restart = this.#restarts.find(isHere)
    if (restart === undefined) return
    this.#restarts = this.#restarts.filter((other) => !isHere(other))
    // What only the clock has moved is not committed: it moves again.
    this.#watermark = restart.watermarkMs
    this.#idle.fill(false)
    this.#lastAt.fill(this.#now)
    this.#allIdleSince = null
  }

  #skipBroken(p: number): void {
    for (let head = this.#queues[p]?.[0]; head?.isBroken === true; head = this.#queues[p]?.[0]) {
      this.#dead(head, 'decode-failed', 'in')
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
    this.#lastAt[p] = this.#now
    this.#allIdleSince = null
    this.#fold(record)
    this.#next(p)
    const reached = record.t - this.#case.outOfOrderMs
    // The task's event time moves when an input's does, and at ticks.
    if (reached <= (this.#reached[p] as number)) return
    this.#reached[p] = reached
    this.#advance(this.#leastActive())
  }

  #leastActive(): number {
    const active = this.#reached.filter((_reached, p) => !this.#idle[p])
    return active.length === 0 ? this.#watermark : Math.min(...active)
  }

  #tick(byMs: number): void {
    this.#now += byMs
    for (const p of this.#idle.keys()) {
      if (this.#now - (this.#lastAt[p] as number) >= this.#case.idleAfterMs) this.#idle[p] = true
    }
    if (this.#idle.includes(false)) {
      this.#allIdleSince = null
      this.#advance(this.#leastActive())
      return
    }
    if (this.#allIdleSince === null) {
      this.#allIdleSince = this.#now
      const seen = this.#reached.filter((reached) => reached > -Infinity)
      this.#standing = this.#watermark > -Infinity ? this.#watermark : Math.min(...seen)
      if (seen.length === 0) this.#standing = -Infinity
    }
    this.#advance(this.#standing + this.#now - this.#allIdleSince)
  }

  #fold(record: CaseRecord): void {
    const { isWindowed, step, refuses, resultStep, poisons, fold } = this.#rules
    const { k, v, t } = record
    if (k === null) return this.#dead(record, 'step-failed', step)
    const start = isWindowed ? Math.floor(t / sizeMs) * sizeMs : 0
    const end = isWindowed ? start + sizeMs : Infinity
    if (end + this.#case.latenessMs <= this.#watermark) return this.#late(record, step, end)
    if (refuses(v)) return this.#dead(record, 'step-failed', step)
    const window = this.#windows.get(start) ?? { end, values: new Map(), revisions: new Map() }
    const values = [...(window.values.get(k) ?? []), v]
    const isClosed = end <= this.#watermark
    if ((isClosed || !isWindowed) && poisons(values))
      return this.#dead(record, 'step-failed', resultStep)
    this.#windows.set(start, window)
    window.values.set(k, values)
    if (!isWindowed) return this.#out(k, { key: k, ...fold(values) }, t)
    if (!isClosed) return
    const revision = (window.revisions.get(k) ?? 0) + 1
    window.revisions.set(k, revision)
    this.#out(k, { key: k, window: { start, end, revision }, ...fold(values) }, end - 1)
  }

  #advance(to: number): void {
    if (to <= this.#watermark) return
    const closing = [...this.#windows]
      .filter(([, { end }]) => end > this.#watermark && end <= to)
      .toSorted(([a], [b]) => a - b)
    for (const [start, { end, values }] of closing) {
      for (const k of [...values.keys()].toSorted((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      )) {
        const all = values.get(k) as number[]
        const result = { key: k, window: { start, end }, ...this.#rules.fold(all) }
        if (!this.#rules.poisons(all)) this.#out(k, result, end - 1)
        else {
          const headers = `reason=step-failed step=${this.#rules.resultStep} value=json`
          this.#line('in.dead/0', `${k}=${JSON.stringify(result)}@${end - 1} ${headers}`)
        }
      }
    }
    this.#watermark = to
  }

  #out(k: string, value: unknown, t: number): void {
    this.#line(`out/${partitionOf(Buffer.from(k), 2)}`, `${k}=${JSON.stringify(value)}@${t}`)
  }

  #dead(record: CaseRecord, reason: string, step: string): void {
    const offset = this.#offsets[record.partition]
    const headers = `reason=${reason} step=${step} offset=${offset}`
    this.#line(
      `in.dead/${record.partition}`,
      `${record.k}=${rawValue(record)}@${record.t} ${headers}`,
    )
  }

  #late(record: CaseRecord, step: string, end: number): void {
    const { partition, k, t } = record
    const headers = `reason=late step=${step} offset=${this.#offsets[partition]}`
    const when = `watermark=${this.#watermark} window-end=${end}`
    this.#line(`in.late/${partition}`, `${k}=${rawValue(record)}@${t} ${headers} ${when}`)
  }

  #line(place: string, line: string): void {
    const lines = this.#lines.get(place) ?? []
    this.#lines.set(place, lines)
    lines.push(line)
  }
}
