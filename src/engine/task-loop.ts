/**
 * Drives a task against a log: takes records as they come, commits, and starts anew from the last
 * commit when something fails.
 */
import type { Clock } from '../core/clock.ts'
import type { Session } from '../log/log.ts'
import type { TaskEvent } from './task-event.ts'
import { Bell } from './bell.ts'
import { restoreTask, type RestoreProgress } from './restore-task.ts'
import { Retries } from './retries.ts'
import type { Task } from './task.ts'
import { TaskRun } from './task-run.ts'

export interface TaskLoopOptions {
  readonly clock: Clock
  /**
   * Opens the session anew (fencing the one before) and builds a task on it, not restored yet.
   * `wake` is for the task's `outside`: a result has come.
   */
  readonly open: (wake: () => void) => Promise<{ session: Session; task: Task }>
  readonly commitEveryMs: number
  /** As in `TaskRunOptions`. */
  readonly pendingBytesMax: () => number
  /** Failures in a row, without a commit between, after which the loop gives up. */
  readonly attemptsMax: number
  readonly notify: (event: TaskEvent) => void
}

export class TaskLoop {
  readonly #options: TaskLoopOptions
  #session: Session | null = null
  #task: Task | null = null
  #restoring: RestoreProgress | null = null
  #stopping = false
  #isDropped = false
  readonly #opened = Promise.withResolvers<void>()
  readonly #bell = new Bell()

  readonly #retries: Retries

  constructor(options: TaskLoopOptions) {
    this.#options = options
    const { clock, attemptsMax, notify } = options
    this.#retries = new Retries({
      clock,
      bell: this.#bell,
      attemptsMax,
      isStopping: () => this.#stopping,
      onPause: (error, attempt, inMs) =>
        notify({ kind: 'retrying', task: this.#task?.name ?? '', error, attempt, inMs }),
    })
  }

  /** The task as it runs now; null before the first open. */
  get task(): Task | null {
    return this.#task
  }

  get session(): Session | null {
    return this.#session
  }

  /** How far it has come; null: its state is not being restored. */
  get restoring(): RestoreProgress | null {
    return this.#restoring
  }

  /**
   * Resolves when the task has its place in the log for the first time; also when `run` ends
   * before.
   */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  get hasOpened(): boolean {
    return this.#task !== null
  }

  /** Ends the loop after the slice in hand and a last commit. */
  stop(): void {
    this.#stopping = true
    this.#wake()
  }

  /** Ends the loop at once: nothing is committed any more, and no failure is thrown. */
  drop(): void {
    this.#isDropped = true
    this.stop()
  }

  #wake(): void {
    this.#session?.wake()
    this.#bell.ring()
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
          if (!this.#isDropped) await this.#retries.pause(thrown)
        }
      }
    } finally {
      this.#opened.resolve()
    }
  }

  async #once(): Promise<void> {
    const { notify } = this.#options
    const { session, task } = await this.#options.open(() => this.#wake())
    this.#session = session
    this.#task = task
    this.#opened.resolve()
    try {
      const restored = await restoreTask(session, task, {
        ...this.#options,
        isStopping: () => this.#stopping,
        onProgress: (progress) => {
          this.#restoring = progress
        },
      })
      if (restored === 'stopped') return
      this.#restoring = null
      if (task.orphanStores.length > 0)
        notify({ kind: 'orphans', task: task.name, stores: task.orphanStores })
      await new TaskRun(task, session, {
        ...this.#options,
        bell: this.#bell,
        isStopping: () => this.#stopping,
        isDropped: () => this.#isDropped,
        onCommitted: () => this.#retries.succeeded(),
      }).run()
    } finally {
      this.#restoring = null
      task.close() // before the session: what calls still answer wakes nobody
      this.#session = null // a closed session is not to be woken or asked
      await session.close()
    }
  }
}
