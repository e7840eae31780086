/**
 * The tasks of a plan that this process runs: those that the membership gives it, for as long as it
 * does. A task that moves to another process is ended in order (its last commit is made before the
 * hand-over goes on); one that was lost already is dropped with all it has not committed.
 */
import type { Clock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import type { Membership } from '../log/log.ts'
import type { TaskEvent } from './task-event.ts'

/** What runs one task, from its opening to its end: `TaskLoop`, or the delivery to a sink. */
export interface OwnedLoop {
  /** Resolves when the task has its place in the log for the first time, or has ended. */
  readonly opened: Promise<void>
  readonly hasOpened: boolean
  /** Until `stop`. @throws what made it give up */
  run(): Promise<void>
  /** Ends it after a last commit. */
  stop(): void
  /** Ends it at once: nothing is committed any more, and no failure is thrown. */
  drop(): void
}

/** Between two looks whether a task that was fenced is still this process's. */
const confirmEveryMs = 200

export interface OwnedTasksOptions<L extends OwnedLoop> {
  readonly pipeline: string
  /** All tasks of the plan, in order. */
  readonly tasks: readonly string[]
  readonly membership: Membership
  readonly clock: Clock
  readonly loopOf: (task: string) => L
  readonly notify: (event: TaskEvent) => void
}

type Change = Parameters<Parameters<Membership['onChange']>[0]>[0]

interface Running<L> {
  readonly loop: L
  /** Settles when the loop has ended; never rejects. */
  readonly ended: Promise<void>
}

export class OwnedTasks<L extends OwnedLoop> {
  readonly #options: OwnedTasksOptions<L>
  /** Those that run here, and at the end those that did. */
  readonly #running: Map<string, Running<L>> = new Map()
  readonly #ending = Promise.withResolvers<void>()
  /** Loops, and what waits to begin one again. */
  readonly #pending = new Set<Promise<void>>()
  #isStopping = false
  #isTakenOver = false
  #failure: { readonly thrown: unknown } | null = null

  constructor(options: OwnedTasksOptions<L>) {
    this.#options = options
    const { membership } = options
    for (const task of membership.owned) this.#begin(task)
    membership.onChange((change) => this.#change(change))
  }

  /** In the plan's order. */
  get loops(): L[] {
    const { tasks } = this.#options
    return tasks.flatMap((task) => this.#running.get(task)?.loop ?? [])
  }

  get taskCount(): number {
    return this.#running.size
  }

  /** Resolves when each task that is owned now has its place in the log, or has ended. */
  async opened(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.opened))
  }

  /** Ends all tasks in order; `ended` settles afterwards. */
  stop(): void {
    this.#isStopping = true
    for (const { loop } of this.#running.values()) loop.stop()
    this.#ending.resolve()
  }

  /**
   * Settles when everything has ended and the membership is given up. @throws what ended a task ·
   * `task-fenced` where another run has taken over
   */
  async ended(): Promise<void> {
    await this.#ending.promise
    while (this.#pending.size > 0) await Promise.all(this.#pending)
    const { membership, pipeline } = this.#options
    await membership.leave()
    if (this.#failure !== null) throw this.#failure.thrown
    if (!this.#isTakenOver) return
    // The tasks had nothing to commit that could have failed.
    const text = `pipeline '${pipeline}' was taken over by another run`
    throw new MillraceError('task-fenced', text, { at: { pipeline } })
  }

  #begin(task: string): void {
    if (this.#isStopping || this.#running.has(task)) return
    const loop = this.#options.loopOf(task)
    const ended = this.#drive(task, loop)
    this.#running.set(task, { loop, ended })
    this.#keep(ended)
  }

  /** `work` never rejects. */
  #keep(work: Promise<void>): void {
    this.#pending.add(work)
    void work.then(() => this.#pending.delete(work))
  }

  async #drive(task: string, loop: L): Promise<void> {
    try {
      await loop.run()
    } catch (thrown) {
      const isOurs = this.#running.get(task)?.loop === loop
      if (!isOurs) {
        // It is another process's now, which goes on at the last commit.
        this.#options.notify({ kind: 'hand-over-failed', task, error: thrown })
        return
      }
      const { rejoins = false } = this.#options.membership
      // A zombie may find that its heir has read, and trimmed, what it still wants to read. Where
      // it is no zombie the next opening says the same.
      const isStale = loop.hasOpened && isCode(thrown, 'offset-out-of-range')
      if (rejoins && !this.#isStopping && (isStale || isCode(thrown, 'task-fenced'))) {
        this.#running.delete(task)
        this.#options.notify({ kind: 'fenced', task })
        this.#keep(this.#confirm(task))
        return
      }
      this.#failure ??= { thrown }
      this.stop() // the others commit what they have
    }
  }

  /** A fenced task is opened again only if it is still this process's. */
  async #confirm(task: string): Promise<void> {
    const { membership, clock } = this.#options
    for (;;) {
      await new Promise<void>((resolve) => clock.after(confirmEveryMs, resolve))
      const isOpen = !this.#isStopping && !this.#running.has(task)
      if (!isOpen || !membership.owned.includes(task)) return
      if (await membership.confirm(task).catch(() => false)) return this.#begin(task)
    }
  }

  async #change({ gained, lost, reason }: Change): Promise<void> {
    const { membership, notify } = this.#options
    if (reason === 'fenced' && membership.rejoins !== true) {
      this.#isTakenOver = true
      return this.stop()
    }
    const ending = lost.flatMap((task) => {
      const running = this.#running.get(task)
      this.#running.delete(task)
      return running ?? []
    })
    if (lost.length > 0) notify({ kind: 'lost', tasks: lost, reason })
    for (const { loop } of ending) {
      if (reason === 'fenced') loop.drop()
      else loop.stop()
    }
    await Promise.all(ending.map(({ ended }) => ended))
    if (gained.length > 0) notify({ kind: 'gained', tasks: gained })
    for (const task of gained) this.#begin(task)
  }
}
