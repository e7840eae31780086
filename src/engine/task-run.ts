/**
 * One opening of a task against a log: from its first record to stop or failure.
 *
 * Commits are adaptive: when the previous one is down and nothing more is at hand, what is there is
 * committed at once, so an idle pipeline answers in milliseconds; with a backlog a commit is made
 * every `commitEveryMs`, so that its cost is shared by many records. While one is in flight the
 * next records are processed, up to `pendingBytesMax`.
 *
 * A commit waits for results that asynchronous steps have under way. When one is due, no further
 * record is taken until all have come; else calls begin as others end. So calls of some ms go on at
 * nearly full width, however often results come; where they take long, commits are made less often
 * (`gatherShare`).
 */
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import type { Session } from '../log/log.ts'
import type { Bell } from './bell.ts'
import type { TaskEvent } from './task-event.ts'
import type { Task } from './task.ts'

/** Records between two looks at the clock. */
const sliceRecords = 512
/** How long a slice may hold the event loop. */
const sliceMs = 8
/** A slice that took longer is told: user code computed for long. */
const blockedMsMin = 2_000
/** An answer is on its way that brings the records of an input which others wait for. */
const behindWaitMs = 1
/** Waits are cut to this, so that a clock that jumps is noticed. */
const waitMsMax = 60_000
/**
 * Between two commits that had to wait for results, at least this many times as long as the last
 * one waited: so most of the time calls go on at full width.
 */
const gatherShare = 4
/** But a commit is due after this time in any case. */
const gatherEveryMsMax = 5_000
/**
 * How long `stop` waits for results under way. What has not come by then is dropped with all since
 * the last commit, and processed again by the next run.
 */
const stopMsMax = 10_000

export interface TaskRunOptions {
  readonly clock: Clock
  readonly commitEveryMs: number
  /** What the task may produce before it waits for its commit; may change. */
  readonly pendingBytesMax: () => number
  readonly notify: (event: TaskEvent) => void
  readonly bell: Bell
  readonly isStopping: () => boolean
  /** With `isStopping`: nothing is to be committed any more. */
  readonly isDropped: () => boolean
  readonly onCommitted: () => void
}

/**
 * What to do next: `more` records are at hand; all are taken (`caught-up`); none can be taken
 * before those of another input have been fetched (`behind`), or before results have come (`full`).
 */
type State = ReturnType<Task['process']>

export class TaskRun {
  readonly #task: Task
  readonly #session: Session
  readonly #options: TaskRunOptions
  #inFlight: Promise<void> | null = null
  #failure: { readonly thrown: unknown } | null = null
  #commitStartedMs = 0
  /** Since when no record is taken, as a commit waits for results; null: records are taken. */
  #gatheringSinceMs: number | null = null
  /** How long the last commit waited for results. */
  #gatheredMs = 0

  constructor(task: Task, session: Session, options: TaskRunOptions) {
    this.#task = task
    this.#session = session
    this.#options = options
  }

  async run(): Promise<void> {
    try {
      this.#commit() // where inputs begin, before a record is taken from there
      await this.#inFlight
      this.#check()
      while (!this.#options.isStopping()) {
        await this.#next(this.#commitIfDue(this.#slice()))
        this.#check()
      }
      if (!this.#options.isDropped()) await this.#finish()
    } finally {
      await this.#inFlight
    }
  }

  /** Takes records for a few milliseconds. */
  #slice(): State {
    const { clock, pendingBytesMax } = this.#options
    const task = this.#task
    if (this.#gatheringSinceMs !== null) {
      // Results alone: timers could call for further ones without end.
      task.deliver()
      return 'full'
    }
    const startMs = clock.monotonic()
    task.tick(clock.now())
    for (;;) {
      const state = task.process(sliceRecords)
      const nowMs = clock.monotonic()
      if (nowMs - startMs >= blockedMsMin) this.#tellBlocked(nowMs - startMs)
      if (state !== 'more') return state
      if (nowMs - startMs >= sliceMs || task.pendingBytes >= pendingBytesMax()) return 'more'
    }
  }

  #tellBlocked(ms: number): void {
    const { name, cursors } = this.#task
    const positions = cursors.map(
      ({ place, position }) => `${place.topic}/${place.partition}@${position}`,
    )
    this.#options.notify({ kind: 'blocked', task: name, ms: Math.round(ms), positions })
  }

  /** @returns what to do next, after a commit that was due */
  #commitIfDue(state: State): State {
    if (this.#inFlight !== null) return state
    const { clock, commitEveryMs, pendingBytesMax } = this.#options
    const nowMs = clock.monotonic()
    const elapsedMs = nowMs - this.#commitStartedMs
    const isLarge = this.#task.pendingBytes >= pendingBytesMax()
    if (this.#task.pendingResults > 0) {
      const gatherEveryMs = Math.min(this.#gatheredMs * gatherShare, gatherEveryMsMax)
      const isDue = elapsedMs >= Math.max(commitEveryMs, gatherEveryMs)
      if (isDue || isLarge) this.#gatheringSinceMs ??= nowMs
      return this.#gatheringSinceMs === null ? state : 'full'
    }
    if (this.#gatheringSinceMs !== null) {
      this.#gatheredMs = nowMs - this.#gatheringSinceMs
      this.#gatheringSinceMs = null
      this.#commit()
      return 'more' // there may be records at hand that were not taken meanwhile
    }
    if (state === 'caught-up' || elapsedMs >= commitEveryMs || isLarge) this.#commit()
    return state
  }

  #commit(): void {
    const commit = this.#task.takeCommit()
    if (commit === null) return
    this.#commitStartedMs = this.#options.clock.monotonic()
    this.#inFlight = this.#session.commit(commit).then(
      () => {
        this.#inFlight = null
        this.#task.settled(commit)
        this.#options.onCommitted()
        this.#wake() // what was processed meanwhile can be committed now
      },
      (thrown: unknown) => {
        this.#inFlight = null
        this.#failure = { thrown }
        this.#wake()
      },
    )
  }

  #wake(): void {
    this.#session.wake()
    this.#options.bell.ring()
  }

  async #next(state: State): Promise<void> {
    const { clock, bell, pendingBytesMax } = this.#options
    switch (state) {
      case 'more':
        if (this.#inFlight !== null && this.#task.pendingBytes >= pendingBytesMax()) {
          await this.#inFlight
        } else await clock.nextTurn()
        return
      case 'full': {
        // Not the session: it is ready all the time while there are records that cannot be taken.
        const waitMs = this.#gatheringSinceMs === null ? this.#dueInMs() : waitMsMax
        if (waitMs <= 0) await clock.nextTurn()
        else await bell.wait(clock, waitMs)
        return
      }
      case 'behind':
        // Not the session: it is ready all the time, by the inputs whose records must wait.
        await bell.wait(clock, behindWaitMs)
        return
      case 'caught-up':
        await this.#wait()
    }
  }

  /** Wall-clock time until the task has something to do by itself. */
  #dueInMs(): number {
    return Math.min(this.#task.clockDueMs() - this.#options.clock.now(), waitMsMax)
  }

  async #wait(): Promise<void> {
    const dueMs = this.#dueInMs()
    if (dueMs <= 0) return this.#options.clock.nextTurn()
    if (
      (await this.#session.wait(dueMs)) === 'closed' &&
      !this.#options.isStopping() &&
      this.#failure === null
    ) {
      throw new MillraceError(
        'task-fenced',
        `task ${this.#task.name} was taken over by another run`,
        {
          at: { task: this.#task.name },
        },
      )
    }
  }

  /** The slice in hand is done: what is left is shown and committed. */
  async #finish(): Promise<void> {
    await this.#inFlight
    this.#check()
    const hasAll = await this.#gather()
    this.#task.stop()
    if (!hasAll) return
    this.#commit()
    await this.#inFlight
    this.#check()
  }

  /** Waits for the results under way. @returns whether all have come in time */
  async #gather(): Promise<boolean> {
    const { clock, bell, notify } = this.#options
    const task = this.#task
    const endMs = clock.monotonic() + stopMsMax
    for (;;) {
      task.deliver()
      // What has another owner now is not waited for.
      if (task.pendingResults > 0 && (await this.#session.wait(0)) === 'closed') return false
      const pending = task.pendingResults
      const leftMs = endMs - clock.monotonic()
      if (pending === 0) return true
      if (leftMs <= 0) {
        notify({ kind: 'results-dropped', task: task.name, pending })
        return false
      }
      await bell.wait(clock, leftMs)
    }
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.thrown
  }
}
