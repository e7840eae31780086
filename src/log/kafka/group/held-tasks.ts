/**
 * The tasks that a member holds, and the telling of what comes and goes. Changes are told one at a
 * time; a task that goes is held until whoever works on it has been told and is done with it, so
 * that its last commit is still made by its owner.
 */
import type { Clock } from '../../../core/clock.ts'
import type { Membership } from '../../log.ts'
import type { NotifyGroup } from './group-event.ts'

type Tell = Parameters<Membership['onChange']>[0]
type Change = Parameters<Tell>[0]

export interface HeldTasksOptions {
  readonly clock: Clock
  /** All tasks there are, in the order in which they are listed. */
  readonly tasks: readonly string[]
  /** How long a task that goes is waited for. */
  readonly handOverMs: number
  readonly notify: NotifyGroup
}

/** Tasks on their way out together. */
interface Parting {
  readonly tasks: readonly string[]
  readonly done: PromiseWithResolvers<void>
}

export class HeldTasks {
  readonly #options: HeldTasksOptions
  readonly #owned = new Set<string>()
  readonly #leaving = new Map<string, Parting>()
  readonly #queue: { readonly change: Change; readonly parting: Parting | null }[] = []
  #tell: Tell | null = null
  #isTelling = false

  constructor(options: HeldTasksOptions) {
    this.#options = options
  }

  get owned(): string[] {
    return this.#options.tasks.filter((task) => this.#owned.has(task))
  }

  /** Being given up, but not yet free for others. */
  get leaving(): string[] {
    return this.#options.tasks.filter((task) => this.#leaving.has(task))
  }

  owns(task: string): boolean {
    return this.#owned.has(task)
  }

  /** Owned, or being given up. */
  holds(task: string): boolean {
    return this.#owned.has(task) || this.#leaving.has(task)
  }

  onChange(tell: Tell): void {
    this.#tell = tell
    void this.#tellAll()
  }

  /** The first assignment, which nobody is told: it is read from `owned`. */
  start(tasks: readonly string[]): void {
    for (const task of tasks) this.#owned.add(task)
  }

  gain(tasks: readonly string[]): void {
    if (tasks.length === 0) return
    for (const task of tasks) this.#owned.add(task)
    this.#enqueue({ gained: tasks, lost: [], reason: 'rebalanced' }, null)
  }

  /**
   * Gives tasks up. Resolves when they are free: told and settled, or the time for it is over, or
   * all was dropped. Never rejects.
   */
  async release(tasks: readonly string[]): Promise<void> {
    if (tasks.length === 0) return
    const { clock, handOverMs, notify } = this.#options
    const parting: Parting = { tasks, done: Promise.withResolvers() }
    for (const task of tasks) {
      this.#owned.delete(task)
      this.#leaving.set(task, parting)
    }
    this.#enqueue({ gained: [], lost: tasks, reason: 'rebalanced' }, parting)
    const cancel = clock.after(handOverMs, () => {
      const text = `${tasks.join(', ')} were not closed within ${handOverMs} ms and are handed over`
      notify({ kind: 'hand-over-late', text })
      parting.done.resolve()
    })
    await parting.done.promise
    cancel()
    for (const task of tasks) if (this.#leaving.get(task) === parting) this.#leaving.delete(task)
  }

  /** All is lost, at once; whoever works on it is told next. */
  dropAll(): void {
    const lost = this.#clear()
    this.#enqueue({ gained: [], lost, reason: 'fenced' }, null)
  }

  /** All is given up by the one who worked on it. */
  close(): void {
    this.#clear()
    this.#tell = null
  }

  #clear(): string[] {
    // What was lost before, but not told yet, is told with this.
    const untold = new Set(this.#queue.flatMap(({ change }) => change.lost))
    const all = this.#options.tasks.filter((task) => this.holds(task) || untold.has(task))
    const partings = new Set(this.#leaving.values())
    this.#owned.clear()
    this.#leaving.clear()
    this.#queue.length = 0
    for (const { done } of partings) done.resolve()
    return all
  }

  #enqueue(change: Change, parting: Parting | null): void {
    this.#queue.push({ change, parting })
    void this.#tellAll()
  }

  async #tellAll(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    for (;;) {
      const tell = this.#tell
      const next = tell === null ? undefined : this.#queue.shift()
      if (tell === null || next === undefined) break
      try {
        await tell(next.change)
      } catch (error) {
        const text = `the change of tasks was not taken in full: ${String(error)}`
        this.#options.notify({ kind: 'tell-failed', text, error })
      }
      next.parting?.done.resolve()
    }
    this.#isTelling = false
  }
}
