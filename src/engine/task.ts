/**
 * A task: one part of a plan over one set of partitions; the unit of order, state and commit.
 * Synchronous and without a clock of its own: `process` takes what its inputs hold, `tick` tells it
 * the time, `takeCommit` gives what is to be made durable. `task-loop.ts` drives it against a log,
 * the test driver with virtual time.
 */
import { assert } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'
import type { Key } from '../core/key.ts'
import type { CommitBatch, Session } from '../log/log.ts'
import type { PlanPart } from '../pipeline/plan.ts'
import type { Chain } from './chain.ts'
import { buildChain } from './chain.ts'
import type { Cursor } from './cursor.ts'
import type { Origin } from './letters.ts'
import { Letters } from './letters.ts'
import { KeptTime } from './kept-time.ts'
import { Marker } from './marker.ts'
import type { Push, TaskContext } from './operators/operator.ts'
import type { OutputTopic } from './outputs.ts'
import { Outputs } from './outputs.ts'
import { StateSet } from './state/state-set.ts'
import type { TaskInput } from './task-inputs.ts'
import { openCursor } from './task-inputs.ts'
import { InputClock, Watermark } from './watermark.ts'

export interface TaskOptions {
  readonly name: string
  /** Number of the task among those of its part: its name in repartition marks. */
  readonly index: number
  readonly part: PlanPart
  readonly session: Session
  /** One for each of the session's inputs. */
  readonly inputs: readonly TaskInput[]
  /** Every topic that this task may append to. */
  readonly outputTopics: readonly OutputTopic[]
  /** Topic under whose name letters go that belong to no input record. */
  readonly homeTopic: string
  readonly nowMs: number
  readonly print: (text: string) => void
}

/** What a task has done since it was opened. Plain counters, read by whoever wants to show them. */
export interface TaskCounters {
  /** Records read, those that could not be decoded included. */
  recordsIn: number
  /** Records appended, letters and marks included. */
  recordsOut: number
  late: number
  dead: number
  commits: number
}

export class Task implements TaskContext {
  readonly name: string
  readonly counters: TaskCounters = { recordsIn: 0, recordsOut: 0, late: 0, dead: 0, commits: 0 }
  readonly cursors: readonly Cursor[]
  running = ''
  nowMs: number
  readonly #options: TaskOptions
  readonly #state = new StateSet()
  readonly #time: KeptTime
  readonly #marker: Marker
  readonly #outputs = new Outputs()
  readonly #letters: Letters
  readonly #chain: Chain
  readonly #watermark: Watermark
  /** The cursor whose record is in hand; null while timers run. */
  #current: Cursor | null = null
  #lateSteps: string[] = []
  #lateCount = 0
  #prints: string[] = []
  #printMark = 0
  /** Positions and event time as of the last commit. */
  #committed: number[]

  constructor(options: TaskOptions) {
    this.#options = options
    this.name = options.name
    this.nowMs = options.nowMs
    for (const topic of options.outputTopics) this.#outputs.declare(topic)
    this.#letters = new Letters(this.#outputs, options.homeTopic)
    this.#chain = buildChain({
      part: options.part,
      task: this,
      state: this.#state,
      outputs: this.#outputs,
      originPartition: () => this.#current?.place.partition ?? 0,
    })
    const clocks = options.inputs.map((input) => new InputClock(input.clock, options.nowMs))
    this.#watermark = new Watermark(clocks)
    this.#time = new KeptTime(this.#state, this.#watermark)
    this.#marker = new Marker({
      index: options.index,
      topics: options.part.repartitions.map(({ topic }) => topic),
      watermark: this.#watermark,
      outputs: this.#outputs,
      eventDueMs: () => this.#eventDueMs(),
    })
    this.cursors = options.inputs.map((input, i) =>
      openCursor(input, {
        input: i,
        session: options.session,
        clock: clocks[i] as InputClock,
        entry: this.#entry(input.step),
        homeTopic: options.homeTopic,
        duties: { unreadable: (origin, thrown, step) => this.#unreadable(origin, thrown, step) },
        onMark: () => this.#advance(this.#watermark.candidate()),
      }),
    )
    // Where an input begins at the end of its topic, that place is committed at once: opened again,
    // it must not begin at a later end.
    const { startAt } = options.session.spec
    this.#committed = this.cursors.map((cursor, i) =>
      startAt[i] === 'latest' ? -1 : cursor.position,
    )
  }

  get watermarkMs(): number {
    return this.#watermark.currentMs
  }

  get watermark(): Watermark {
    return this.#watermark
  }

  get stateEntries(): number {
    return this.#state.entryCount()
  }

  /**
   * Names of stores found in the changelog that no step of the plan has: their state is dropped
   * with the next snapshot.
   */
  get orphanStores(): readonly string[] {
    return [...this.#state.orphans]
  }

  /** Applies one changelog blob; in order, before `begin`. */
  restore(blob: Uint8Array): void {
    this.#state.restore(blob)
  }

  /** To be called once, after the last blob and before the first record. */
  begin(): void {
    this.#state.restored()
    this.#time.restore(this.cursors)
    for (const operator of this.#chain.stateful) operator.onRestored()
  }

  /**
   * Processes up to about `limit` records that are at hand, those with the smallest event time
   * first, so that no input makes another one late.
   * @returns `more` when records are left at hand
   */
  process(limit: number): 'more' | 'caught-up' {
    let left = limit
    for (const cursor of this.cursors) cursor.pull()
    for (;;) {
      const cursor = this.#earliest(null)
      if (cursor === null) {
        this.#flushPrints() // of windows that a mark has closed
        return 'caught-up'
      }
      if (left <= 0) return 'more'
      const next = this.#earliest(cursor)
      left = this.#run(cursor, next, left)
    }
  }

  /** The wall clock stands at `nowMs`: idle inputs are found, timers run. */
  tick(nowMs: number): void {
    assert(nowMs >= this.nowMs || nowMs > 0, () => `the clock stands at ${nowMs}`)
    this.nowMs = nowMs
    this.#begin()
    const { session } = this.#options
    const caughtUp = (i: number): boolean =>
      (this.cursors[i] as Cursor).position >= session.endOffset(i)
    this.#advance(this.#watermark.tick(nowMs, caughtUp))
    for (const operator of this.#chain.stateful) {
      if (operator.clockDueMs() <= nowMs) {
        this.#begin()
        operator.onClock(nowMs)
      }
    }
    this.#flushPrints()
  }

  /**
   * Wall clock at which `tick` will have something to do; Infinity when only records can change
   * anything.
   */
  clockDueMs(): number {
    let due = this.#watermark.clockDueMs(this.nowMs, this.#eventDueMs())
    for (const operator of this.#chain.stateful) due = Math.min(due, operator.clockDueMs())
    return due
  }

  /** The run ends in an orderly way: what people wait to see is shown. `takeCommit` follows. */
  stop(): void {
    for (const operator of this.#chain.stateful) {
      this.#begin()
      operator.onStop()
    }
    this.#flushPrints()
  }

  /** Payload bytes waiting for a commit (in whole blocks). */
  get pendingBytes(): number {
    return this.#outputs.blockBytes
  }

  /** Whether a commit would have anything to do. */
  get hasChanges(): boolean {
    if (this.#outputs.recordCount > 0 || this.#state.changed) return true
    if (this.#marker.isDue) return true
    return this.cursors.some((cursor, i) => cursor.position !== this.#committed[i])
  }

  /**
   * Everything since the last call, for one atomic commit; null when there is nothing. Between
   * records only.
   */
  takeCommit(): CommitBatch | null {
    if (!this.hasChanges) return null
    this.#marker.add()
    this.#time.keep(this.cursors)
    const offsets = this.cursors.map((cursor, i) =>
      cursor.position === this.#committed[i] ? -1 : cursor.position,
    )
    this.#committed = this.cursors.map((cursor) => cursor.position)
    this.counters.recordsOut += this.#outputs.recordCount
    this.counters.commits += 1
    return { offsets, appends: this.#outputs.take(), changelog: this.#state.pack() }
  }

  emitAtomic(emit: Push, value: unknown, key: Key | null, timeMs: number): void {
    this.#begin()
    try {
      emit(value, key, timeMs)
    } catch (thrown) {
      const step = this.running
      this.#undo(thrown)
      this.counters.dead += 1
      this.#letters.deadResult({ value, key, timeMs }, step, thrown)
    }
    this.#begin()
  }

  late(step: string, detail: { windowEndMs: number }): void {
    if (this.#current === null) {
      // A result of a step before came too late for this one: there is no input record to keep.
      this.#lateCount += 1
      return
    }
    if (this.#lateSteps.includes(step)) return
    this.#lateSteps.push(step)
    this.#lateCount += 1
    this.#letters.late(this.#current.origin(), step, { watermarkMs: this.watermarkMs, ...detail })
  }

  print(text: string): void {
    this.#prints.push(text)
  }

  /**
   * Processes one input's records as long as they come before the one at hand of `next`. Of equal
   * times the lower input's comes first, so the order is the same for any limit (O1).
   * @returns the rest of the limit
   */
  #run(cursor: Cursor, next: Cursor | null, limit: number): number {
    let left = limit
    const untilMs = next === null ? Number.POSITIVE_INFINITY : next.timeMs
    const tieWins = next === null || cursor.input < next.input
    const { clock } = cursor
    const { outOfOrderMs } = clock.spec
    const marked = cursor.marks !== null // its event time comes by marks, not from its records
    this.#watermark.active(clock, this.nowMs)
    do {
      const { timeMs } = cursor
      this.#process(cursor)
      left -= 1
      if (!marked && timeMs - outOfOrderMs > clock.reachedMs) {
        this.#advance(this.#watermark.reached(clock, timeMs - outOfOrderMs))
      }
    } while (
      cursor.pull() &&
      left > 0 &&
      (cursor.timeMs < untilMs || (tieWins && cursor.timeMs === untilMs))
    )
    this.counters.recordsIn += limit - left
    this.#flushPrints()
    return left
  }

  #process(cursor: Cursor): void {
    this.#begin()
    this.#current = cursor
    try {
      cursor.entry(cursor.value, cursor.key, cursor.timeMs)
    } catch (thrown) {
      const step = this.running
      this.#undo(thrown)
      this.counters.dead += 1
      this.#letters.dead(cursor.origin(), step, thrown)
    }
    this.#current = null
    cursor.pass()
  }

  /** Starts something atomic: what was done before stands. */
  #begin(): void {
    this.#state.journal.begin()
    this.#outputs.begin()
    if (this.#lateCount > 0) {
      this.counters.late += this.#lateCount
      this.#lateCount = 0
      this.#lateSteps = []
    }
    this.#printMark = this.#prints.length
  }

  /**
   * Takes back what was done since `#begin`. A fault of the engine is no record's fault: it stops
   * the task.
   */
  #undo(thrown: unknown): void {
    if (thrown instanceof MillraceError && thrown.blame === 'engine') throw thrown
    this.#state.journal.undo()
    this.#outputs.undo()
    this.#lateCount = 0
    this.#lateSteps = []
    this.#prints.length = this.#printMark
  }

  #unreadable(origin: Origin, thrown: unknown, step: string): void {
    this.#begin()
    this.counters.recordsIn += 1
    this.counters.dead += 1
    this.#letters.dead(origin, step, thrown)
  }

  #advance(watermarkMs: number): void {
    if (watermarkMs <= this.#watermark.currentMs) return
    if (watermarkMs >= this.#eventDueMs()) {
      this.#begin()
      for (const operator of this.#chain.stateful) operator.onWatermark(watermarkMs)
    }
    this.#watermark.currentMs = watermarkMs
  }

  #eventDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const operator of this.#chain.stateful) due = Math.min(due, operator.watermarkDueMs())
    return due
  }

  /** The ready cursor with the smallest event time, the first of them; `except` is left out. */
  #earliest(except: Cursor | null): Cursor | null {
    let earliest: Cursor | null = null
    for (const cursor of this.cursors) {
      if (cursor === except || !cursor.ready) continue
      if (earliest === null || cursor.timeMs < earliest.timeMs) earliest = cursor
    }
    return earliest
  }

  #flushPrints(): void {
    if (this.#prints.length === 0) return
    this.#options.print(this.#prints.join(''))
    this.#prints = []
    this.#printMark = 0
  }

  #entry(step: string): Push {
    const entry = this.#chain.entries.get(step)
    assert(entry !== undefined, () => `no step '${step}' takes input`)
    return entry
  }
}
