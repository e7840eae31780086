/**
 * Who runs a pipeline on a memory log: one member with all tasks, until it leaves or another
 * takes over.
 */
import type { Membership } from '../log.ts'

type Tell = Parameters<Membership['onChange']>[0]

export class MemoryMembership implements Membership {
  readonly #onLeave: () => void
  #owned: readonly string[]
  #lost: readonly string[] | null = null
  #tell: Tell | null = null

  constructor(tasks: readonly string[], onLeave: () => void) {
    this.#owned = [...tasks]
    this.#onLeave = onLeave
  }

  get owned(): readonly string[] {
    return this.#owned
  }

  onChange(tell: Tell): void {
    this.#tell = tell
    this.#tellLost()
  }

  fence(): void {
    this.#lost = this.#owned
    this.#owned = []
    this.#onLeave()
    this.#tellLost()
  }

  /** Once, whether the listener was set before the fencing or after it. */
  #tellLost(): void {
    const [lost, tell] = [this.#lost, this.#tell]
    if (lost === null || tell === null) return
    this.#lost = null
    // Nobody waits for a member that is fenced, so what it throws is its own.
    void tell({ gained: [], lost, reason: 'fenced' }).catch(() => undefined)
  }

  /** Whoever fenced a task has taken the pipeline over. */
  async confirm(): Promise<boolean> {
    return false
  }

  async leave(): Promise<void> {
    this.#owned = []
    this.#onLeave()
  }
}
