/**
 * A task: one part of a plan over one set of partitions; the unit of order, state and commit.
 * Synchronous and without a clock of its own: `process` takes what its inputs hold, `tick` tells it
 * the time, `takeCommit` gives what is to be made durable. `task-loop.ts` drives it against a log,
 * the test driver with virtual time.
 */
import { assert } from '../core/assert.ts'
import type { Key } from '../core/key.ts'
import type { CommitBatch } from '../log/log.ts'
import { AsyncSteps } from './async-steps.ts'
import { AtomicRecord } from './atomic-record.ts'
import type { Chain } from './chain.ts'
import { buildChain } from './chain.ts'
import type { Cursor } from './cursor.ts'
import type { Origin, Result } from './letters.ts'
import { Letters } from './letters.ts'
import { earliest, isBehind, pullInOrder } from './input-order.ts'
import { KeptTime } from './kept-time.ts'
import { Marker } from './marker.ts'
import type { Cause, Outside, Push, TaskContext } from './operators/operator.ts'
import { Outputs } from './outputs.ts'
import { StateSet } from './state/state-set.ts'
import { isGlobal, openCursor } from './task-inputs.ts'
import type { TaskCounters, TaskOptions } from './task-options.ts'
import type { StepFigures } from './step-figures.ts'
import { hasTable, needsTime } from './table-readers.ts'
import { TimeDomains } from './time-domains.ts'
import { InputClock, Watermark } from './watermark.ts'

export class Task implements TaskContext {
  readonly name: string
  readonly counters: TaskCounters = { recordsIn: 0, recordsOut: 0, late: 0, dead: 0, commits: 0 }
  readonly cursors: readonly Cursor[]
  running = ''
  nowMs: number
  readonly outside: Outside
  /** null: steps are not counted. */
  readonly figures: StepFigures | null
  readonly #options: TaskOptions
  readonly #state = new StateSet()
  readonly #time: KeptTime
  readonly #marker: Marker
  readonly #outputs = new Outputs()
  readonly #letters: Letters
  readonly #chain: Chain
  readonly #calls: AsyncSteps
  readonly #domains = new TimeDomains()
  readonly #watermark: Watermark
  /** The cursor whose record is in hand; null while timers run. */
  #current: Cursor | null = null
  /** The result in hand, where no record is. */
  #result: Result | null = null
  readonly #atomic: AtomicRecord
  readonly #begin = (): void => this.#atomic.begin()
  /** Positions and event time as of the last commit. */
  #committed: number[]

  constructor(options: TaskOptions) {
    this.#options = options
    this.name = options.name
    this.nowMs = options.nowMs
    this.outside = options.outside
    for (const topic of options.outputTopics) this.#outputs.declare(topic)
    if (options.session.borrowsAppends === true) this.#outputs.lend()
    this.#atomic = new AtomicRecord(this.#state.journal, this.#outputs, {
      print: options.print,
      late: (records) => {
        this.counters.late += records
      },
    })
    this.figures = options.figures ?? null
    const { pipeline, startAt } = options.session.spec
    this.#letters = new Letters(this.#outputs, options.homeTopic, pipeline, this.figures)
    this.#chain = buildChain({
      ...options,
      task: this,
      state: this.#state,
      outputs: this.#outputs,
      domains: this.#domains,
      originPartition: () => (this.#current?.place ?? this.#result?.cause)?.partition ?? 0,
    })
    this.#calls = new AsyncSteps(this.#chain.asynchronous)
    const clocks = options.inputs.map((input) => new InputClock(input.clock, options.nowMs))
    this.#watermark = new Watermark(clocks.filter((_, i) => !isGlobal(options.inputs[i])))
    const isTimed = this.#chain.stateful.length > 0 || needsTime(options)
    this.#time = new KeptTime(this.#state, this.#watermark, isTimed)
    this.#marker = new Marker({
      index: options.index,
      topics: options.part.repartitions.map(({ step, topic }) => {
        return { topic, time: this.#chain.timeBehind(step) }
      }),
      watermark: this.#watermark,
      outputs: this.#outputs,
      eventDueMs: () => this.#domains.dueMs(),
    })
    this.cursors = options.inputs.map((input, i) =>
      openCursor(input, {
        input: i,
        session: options.session,
        clock: clocks[i] as InputClock,
        entry: this.#entry(input.step),
        homeTopic: options.homeTopic,
        isTable: hasTable(options.part, input.step),
        duties: {
          unreadable: (origin, thrown, step) => this.#unreadable(origin, thrown, step),
          wake: () => this.outside.wake(),
        },
        onMark: () => this.#advance(this.#watermark.candidate()),
      }),
    )
    this.#time.declare(this.cursors)
    // Where an input begins at the end of its topic, that place is committed at once: opened again,
    // it must not begin at a later end.
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

  /** Steps with memory or timers. */
  get stateful(): Chain['stateful'] {
    return this.#chain.stateful
  }

  /** Store → entries. */
  get entries(): ReadonlyMap<string, number> {
    return this.#state.entryCounts()
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
    this.#domains.restore(this.#watermark.currentMs)
    this.#domains.onRestored()
  }

  /**
   * Processes up to about `limit` records that are at hand, those with the smallest event time
   * first, so that no input makes another one late.
   * @returns `more` when records are left at hand; `behind` when they must wait for those of
   * another input that are being fetched; `full` when they cannot be taken before a result has come
   */
  process(limit: number): 'more' | 'caught-up' | 'behind' | 'full' {
    let left = limit
    let isPulled = pullInOrder(this.cursors, this.#options.session)
    for (;;) {
      const cursor = earliest(this.cursors, null)
      if (cursor === null || this.isBlocked) {
        this.#atomic.flushPrints() // of windows that a mark has closed
        return this.isBlocked ? 'full' : isPulled ? 'caught-up' : 'behind'
      }
      if (left <= 0) return 'more'
      if (!cursor.isGlobal && isBehind(this.cursors, this.#options.session)) {
        this.#atomic.flushPrints()
        return 'behind'
      }
      const next = earliest(this.cursors, cursor)
      left = this.#run(cursor, next, left)
      isPulled ||= pullInOrder(this.cursors, this.#options.session)
    }
  }

  /** The wall clock stands at `nowMs`: idle inputs are found, timers run. */
  tick(nowMs: number): void {
    assert(nowMs >= this.nowMs || nowMs > 0, () => `the clock stands at ${nowMs}`)
    this.nowMs = nowMs
    this.#atomic.begin()
    const { session } = this.#options
    for (const { input, clock, position } of this.cursors) {
      clock.caughtUp = position >= session.endOffset(input)
    }
    this.#advance(this.#watermark.tick(nowMs))
    this.#domains.onClock(nowMs, this.#begin)
    this.deliver()
    this.#atomic.flushPrints()
  }

  /**
   * Wall clock at which `tick` will have something to do; Infinity when only records can change
   * anything.
   */
  clockDueMs(): number {
    const due = this.#watermark.clockDueMs(this.nowMs, this.#domains.dueMs())
    return Math.min(due, this.#domains.clockDueMs())
  }

  /** The run ends in an orderly way: what people wait to see is shown. `takeCommit` follows. */
  stop(): void {
    this.#domains.onStop(this.#begin)
    this.#atomic.flushPrints()
  }

  /** Records whose results are still to come from asynchronous steps: a commit waits for them. */
  get pendingResults(): number {
    return this.#calls.pending
  }

  /** Calls of asynchronous steps that may be answered at any time. */
  get callsUnderWay(): number {
    return this.#calls.callsUnderWay
  }

  /** Whether an asynchronous step can take no further record now. */
  get isBlocked(): boolean {
    return this.#calls.isBlocked
  }

  /** Gives on the results of asynchronous steps that have come. Between records only. */
  deliver(): void {
    const { currentMs } = this.#watermark
    this.#calls.deliver(this.#begin, () => this.#domains.advance(currentMs, this.#begin))
    this.#atomic.flushPrints()
  }

  /** Ends what asynchronous steps have under way. The last call. Idempotent. */
  close(): void {
    this.#calls.close()
  }

  /** Payload bytes waiting for a commit (in whole blocks). */
  get pendingBytes(): number {
    return this.#outputs.blockBytes
  }

  /** Whether a commit would have anything to do. */
  get hasChanges(): boolean {
    if (this.#outputs.recordCount > 0 || this.#state.changed || this.#marker.isDue) return true
    return this.cursors.some((cursor, i) => cursor.position !== this.#committed[i])
  }

  /**
   * Everything since the last call, for one atomic commit; null when there is nothing. Between
   * records only.
   */
  takeCommit(): CommitBatch | null {
    assert(this.pendingResults === 0, () => `${this.pendingResults} results are still to come`)
    if (!this.hasChanges) return null
    this.#marker.add()
    this.#time.keep(this.cursors)
    const positions = this.cursors.map(({ position }) => position)
    const offsets = positions.map((at, i) => (at === this.#committed[i] ? -1 : at))
    this.#committed = positions
    this.counters.recordsOut += this.#outputs.recordCount
    this.counters.commits += 1
    return { offsets, appends: this.#outputs.take(), changelog: this.#state.pack() }
  }

  /** What `takeCommit` gave is committed. */
  readonly settled = ({ appends }: CommitBatch): void => this.#outputs.recycle(appends)

  get cause(): Cause | null {
    if (this.#current === null) return this.#result?.cause ?? null
    const { place, position, marks } = this.#current
    if (marks === null) return { ...place, offset: position }
    return { topic: this.#options.homeTopic, partition: place.partition, offset: -1 }
  }

  emitAtomic(
    emit: Push,
    value: unknown,
    key: Key | null,
    timeMs: number,
    cause: Cause | null = null,
  ): void {
    this.#atomic.begin()
    const result: Result = { value, key, timeMs, cause }
    this.#result = result
    try {
      emit(value, key, timeMs)
    } catch (thrown) {
      const step = this.running
      this.#atomic.undo(thrown)
      this.counters.dead += 1
      this.#letters.deadResult(result, step, thrown)
    }
    this.#result = null
    this.#atomic.begin()
  }

  late(step: string, detail: { windowEndMs: number; watermarkMs: number }): void {
    const first = this.#atomic.late(step, this.#current !== null)
    if (first === 'again') return
    if (this.#current === null) {
      assert(this.#result !== null, () => `step ${step} found nothing in hand late`)
      return this.#letters.lateResult(this.#result, step, detail)
    }
    this.#letters.late(this.#current.origin(), step, detail)
  }

  print(text: string): void {
    this.#atomic.print(text)
  }

  /**
   * Processes one input's records as long as they come before the one at hand of `next`. Of equal
   * times the lower input's comes first, so the order is the same for any limit (O1).
   * @returns the rest of the limit
   */
  #run(cursor: Cursor, next: Cursor | null, limit: number): number {
    let left = limit
    const untilMs = next === null || cursor.isGlobal ? Number.POSITIVE_INFINITY : next.timeMs
    const tieWins = next === null || cursor.input < next.input || cursor.isGlobal
    const { clock } = cursor
    const { outOfOrderMs } = clock.spec
    const { isBounded } = cursor
    this.#watermark.active(clock, this.nowMs)
    do {
      const { timeMs } = cursor
      this.#process(cursor)
      left -= 1
      const reachedMs = isBounded ? timeMs - outOfOrderMs : cursor.reachedMs()
      if (reachedMs > clock.reachedMs && !cursor.isGlobal) {
        this.#advance(this.#watermark.reached(clock, reachedMs))
      }
    } while (
      cursor.pull() &&
      left > 0 &&
      !this.isBlocked &&
      (cursor.timeMs < untilMs || (tieWins && cursor.timeMs === untilMs))
    )
    this.counters.recordsIn += limit - left
    this.#atomic.flushPrints()
    return left
  }

  #process(cursor: Cursor): void {
    this.#atomic.begin()
    this.#current = cursor
    try {
      cursor.entry(cursor.value, cursor.key, cursor.timeMs)
    } catch (thrown) {
      const step = this.running
      this.#atomic.undo(thrown)
      this.counters.dead += 1
      this.#letters.dead(cursor.origin(), step, thrown)
    }
    this.#current = null
    cursor.pass()
  }

  #unreadable(origin: Origin, thrown: unknown, step: string): void {
    this.#atomic.begin()
    this.counters.recordsIn += 1
    this.counters.dead += 1
    this.#letters.dead(origin, step, thrown)
  }

  #advance(watermarkMs: number): void {
    if (watermarkMs <= this.#watermark.currentMs) return
    this.#domains.advance(watermarkMs, this.#begin)
    this.#watermark.currentMs = watermarkMs
  }

  #entry(step: string): Push {
    const entry = this.#chain.entries.get(step)
    assert(entry !== undefined, () => `no step '${step}' takes input`)
    return entry
  }
}
