/**
 * Drives a task against a log: takes records as they come, commits, and starts anew from the last
 * commit when something fails.
 *
 * Commits are adaptive: when the previous one is down and nothing more is at hand, what is there is
 * committed at once, so an idle pipeline answers in milliseconds; with a backlog a commit is made
 * every `commitEveryMs`, so that its cost is shared by many records. While one is in flight the
 * next records are processed, up to `pendingBytesMax`.
 */
import type { Clock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { Session } from '../log/log.ts'
import type { Task } from './task.ts'

/** Records between two looks at the clock. */
const sliceRecords = 512
/** How long a slice may hold the event loop. */
const sliceMs = 8
/** Waits are cut to this, so that a clock that jumps is noticed. */
const waitMsMax = 60_000
const retryMsMin = 50
const retryMsMax = 5_000

export interface TaskLoopOptions {
  readonly clock: Clock
  /** Opens the session anew (fencing the one before) and builds a task on it, not restored yet. */
  readonly open: () => Promise<{ session: Session; task: Task }>
  readonly commitEveryMs: number
  readonly pendingBytesMax: number
  /** Failures in a row, without a commit between, after which the loop gives up. */
  readonly attemptsMax: number
  readonly notify: (event: TaskEvent) => void
}

export type TaskEvent =
  | {
      readonly kind: 'restored'
      readonly task: string
      readonly blobs: number
      readonly entries: number
      readonly ms: number
    }
  | {
      readonly kind: 'retrying'
      readonly task: string
      readonly error: unknown
      readonly attempt: number
      readonly inMs: number
    }
  /**
   * What was read of its repartition topics could not be freed; it will be tried again. Harmless
   * but for the room.
   */
  | { readonly kind: 'trim-failed'; readonly task: string; readonly error: unknown }
  | { readonly kind: 'orphans'; readonly task: string; readonly stores: readonly string[] }

export class TaskLoop {
  readonly #options: TaskLoopOptions
  #session: Session | null = null
  #task: Task | null = null
  #stopping = false
  #failures = 0
  readonly #opened = Promise.withResolvers<void>()

  constructor(options: TaskLoopOptions) {
    this.#options = options
  }

  /** The task as it runs now; null before the first open. */
  get task(): Task | null {
    return this.#task
  }

  get session(): Session | null {
    return this.#session
  }

  /**
   * Resolves when the task has its place in the log for the first time; also when `run` ends
   * before.
   */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Ends the loop after the slice in hand and a last commit. */
  stop(): void {
    this.#stopping = true
    this.#session?.wake()
  }

  /**
   * Runs until `stop`. @throws what made it give up: `task-fenced`, or the last of `attemptsMax`
   * failures
   */
  async run(): Promise<void> {
    try {
      while (!this.#stopping) {
        try {
          await this.#once()
        } catch (thrown) {
          await this.#failed(thrown)
        }
      }
    } finally {
      this.#opened.resolve()
    }
  }

  async #once(): Promise<void> {
    const { clock, notify } = this.#options
    const { session, task } = await this.#options.open()
    this.#session = session
    this.#task = task
    this.#opened.resolve()
    try {
      const startedMs = clock.monotonic()
      let blobs = 0
      for await (const blob of session.restore()) {
        task.restore(blob)
        blobs += 1
      }
      task.begin()
      notify({
        kind: 'restored',
        task: task.name,
        blobs,
        entries: task.stateEntries,
        ms: clock.monotonic() - startedMs,
      })
      if (task.orphanStores.length > 0)
        notify({ kind: 'orphans', task: task.name, stores: task.orphanStores })
      await new TaskRun(
        task,
        session,
        this.#options,
        () => this.#stopping,
        () => {
          this.#failures = 0
        },
      ).run()
    } finally {
      this.#session = null // a closed session is not to be woken or asked
      await session.close()
    }
  }

  async #failed(thrown: unknown): Promise<void> {
    const { clock, notify, attemptsMax } = this.#options
    // What is no MillraceError is a fault of the engine: it may be tried again like one.
    const retry = thrown instanceof MillraceError ? thrown.retry : 'reopen'
    this.#failures += 1
    if (
      isCode(thrown, 'task-fenced') ||
      retry === 'never' ||
      this.#failures >= attemptsMax ||
      this.#stopping
    )
      throw thrown
    const inMs = Math.min(retryMsMin * 2 ** (this.#failures - 1), retryMsMax)
    notify({
      kind: 'retrying',
      task: this.#task?.name ?? '',
      error: thrown,
      attempt: this.#failures,
      inMs,
    })
    await new Promise<void>((resolve) => clock.after(inMs, resolve))
  }
}

/** One opening of the task: from restore to stop or failure. */
class TaskRun {
  readonly #task: Task
  readonly #session: Session
  readonly #options: TaskLoopOptions
  readonly #stopping: () => boolean
  readonly #onCommitted: () => void
  #inFlight: Promise<void> | null = null
  #failure: { readonly thrown: unknown } | null = null
  #commitStartedMs = 0

  constructor(
    task: Task,
    session: Session,
    options: TaskLoopOptions,
    stopping: () => boolean,
    onCommitted: () => void,
  ) {
    this.#task = task
    this.#session = session
    this.#options = options
    this.#stopping = stopping
    this.#onCommitted = onCommitted
  }

  async run(): Promise<void> {
    const { clock, pendingBytesMax } = this.#options
    try {
      this.#commit() // where inputs begin, before a record is taken from there
      await this.#inFlight
      this.#check()
      while (!this.#stopping()) {
        const state = this.#slice()
        this.#commitIfDue(state)
        if (state === 'caught-up') await this.#wait()
        else if (this.#inFlight !== null && this.#task.pendingBytes >= pendingBytesMax)
          await this.#inFlight
        else await clock.nextTurn()
        this.#check()
      }
      await this.#finish()
    } finally {
      await this.#inFlight
    }
  }

  /** Takes records for a few milliseconds. */
  #slice(): 'more' | 'caught-up' {
    const { clock } = this.#options
    this.#task.tick(clock.now())
    const endMs = clock.monotonic() + sliceMs
    for (;;) {
      if (this.#task.process(sliceRecords) === 'caught-up') return 'caught-up'
      if (clock.monotonic() >= endMs || this.#task.pendingBytes >= this.#options.pendingBytesMax)
        return 'more'
    }
  }

  #commitIfDue(state: 'more' | 'caught-up'): void {
    if (this.#inFlight !== null) return
    const { clock, commitEveryMs, pendingBytesMax } = this.#options
    const elapsedMs = clock.monotonic() - this.#commitStartedMs
    if (
      state === 'caught-up' ||
      elapsedMs >= commitEveryMs ||
      this.#task.pendingBytes >= pendingBytesMax
    )
      this.#commit()
  }

  #commit(): void {
    const commit = this.#task.takeCommit()
    if (commit === null) return
    this.#commitStartedMs = this.#options.clock.monotonic()
    this.#inFlight = this.#session.commit(commit).then(
      () => {
        this.#inFlight = null
        this.#onCommitted()
        this.#session.wake() // what was processed meanwhile can be committed now
      },
      (thrown: unknown) => {
        this.#inFlight = null
        this.#failure = { thrown }
        this.#session.wake()
      },
    )
  }

  async #wait(): Promise<void> {
    const { clock } = this.#options
    const dueMs = Math.min(this.#task.clockDueMs() - clock.now(), waitMsMax)
    if (dueMs <= 0) return clock.nextTurn()
    if (
      (await this.#session.wait(dueMs)) === 'closed' &&
      !this.#stopping() &&
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
    this.#task.stop()
    this.#commit()
    await this.#inFlight
    this.#check()
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.thrown
  }
}
