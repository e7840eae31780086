/**
 * Running a pipeline: one process at a time has it. A run holds the lock of its generation while
 * it lives (lock.ts), and its generation is written down in the file; a later run that takes over
 * writes the next one. [L4]
 */
import type { Clock } from '../../core/clock.ts'
import type { JoinOptions, Membership } from '../log.ts'
import type { Store } from './db.ts'
import { pipelineRunning } from './errors.ts'
import { type HeldLock, holdLock, isLocked, runLockPath } from './lock.ts'
import type { WakeHub } from './wake.ts'
import type { WriteClient } from './writer-client.ts'

type Tell = Parameters<Membership['onChange']>[0]

/** Two processes that join at the same moment may outrun one another a few times. */
const attemptsMax = 25
/**
 * A lock may be looked at by another process just now, for a moment; or a run that joins is
 * about to be written down.
 */
const lockWaitMs = 20

export interface MembershipOptions {
  readonly dir: string
  /** The reading connection. */
  readonly store: Store
  readonly client: WriteClient
  readonly hub: WakeHub
  readonly clock: Clock
  /** Text for people: who this is. */
  readonly owner: string
  readonly onGone: (membership: EmbeddedMembership) => void
}

export interface RunState {
  readonly generation: number
  /** Null while nobody runs the pipeline. */
  readonly owner: string | null
}

/** Who runs the pipeline now, looked up in the file and checked against the lock. */
export function readRun(store: Store, dir: string, pipeline: string): RunState {
  const row = store.get<{ generation: number; owner: string | null }>(
    'SELECT generation, owner FROM pipelines WHERE name = ?',
    pipeline,
  )
  if (row === undefined) return { generation: 0, owner: null }
  const runs = isLocked(runLockPath(dir, pipeline, row.generation))
  return { generation: row.generation, owner: runs ? (row.owner ?? 'another process') : null }
}

/** @throws `pipeline-running` · `log-read-only` · `log-busy` · `disk-full` · `log-failed` */
export async function joinRun(
  join: JoinOptions,
  options: MembershipOptions,
): Promise<EmbeddedMembership> {
  const { dir, store, client, clock, owner } = options
  const { pipeline, takeOver } = join
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const run = readRun(store, dir, pipeline)
    if (run.owner !== null && !takeOver) throw pipelineRunning(pipeline, run.owner)
    // The lock comes first, so that a generation that is written down is held for as long as its
    // run lives.
    const lock = holdLock(runLockPath(dir, pipeline, run.generation + 1), lockWaitMs)
    if (lock === null) {
      await clock.nextTurn()
      continue
    }
    try {
      const { generation } = run
      const fence = run.owner !== null
      if ((await client.send({ kind: 'join', pipeline, generation, owner, fence })) === 'joined') {
        return new EmbeddedMembership(join, generation + 1, lock, options)
      }
    } catch (error) {
      lock.release('delete')
      throw error
    }
    lock.release('delete')
  }
  throw pipelineRunning(pipeline, null)
}

export class EmbeddedMembership implements Membership {
  readonly pipeline: string
  readonly generation: number
  readonly #options: MembershipOptions
  readonly #lock: HeldLock
  readonly #unlisten: () => void
  #owned: readonly string[]
  #lost: readonly string[] | null = null
  #tell: Tell | null = null
  #state: 'running' | 'fenced' | 'left' = 'running'
  #seenAt = -1

  constructor(join: JoinOptions, generation: number, lock: HeldLock, options: MembershipOptions) {
    this.pipeline = join.pipeline
    this.generation = generation
    this.#owned = [...join.tasks]
    this.#lock = lock
    this.#options = options
    this.#unlisten = options.hub.add(() => this.#look(), 'idle')
  }

  get owned(): readonly string[] {
    return this.#owned
  }

  onChange(tell: Tell): void {
    this.#tell = tell
    this.#tellLost()
  }

  /**
   * Looks whether a later run has taken over. Also called when a session of this pipeline found
   * itself fenced.
   */
  #look(): void {
    if (this.#state !== 'running') return
    const { store } = this.#options
    try {
      const version = store.dataVersion()
      if (version === this.#seenAt) return
      const row = store.get<{ generation: number }>(
        'SELECT generation FROM pipelines WHERE name = ?',
        this.pipeline,
      )
      this.#seenAt = version
      if (row?.generation !== this.generation) this.fence()
    } catch {
      return // whoever reads or writes next meets the error and throws it
    }
  }

  /** Another run has the pipeline. */
  fence(): void {
    if (this.#state !== 'running') return
    this.#state = 'fenced'
    this.#lost = this.#owned
    this.#giveUp()
    this.#tellLost()
  }

  /** Once, whether the listener was set before the fencing or after it. */
  #tellLost(): void {
    const [lost, tell] = [this.#lost, this.#tell]
    if (lost === null || tell === null) return
    this.#lost = null
    // Nobody waits for a run that is fenced, so what its listener throws has no one to go to.
    void tell({ gained: [], lost, reason: 'fenced' }).catch(() => undefined)
  }

  /** Whoever fenced a task has taken the pipeline over. */
  async confirm(): Promise<boolean> {
    return false
  }

  async leave(): Promise<void> {
    if (this.#state !== 'running') return
    this.#state = 'left'
    const { pipeline, generation } = this
    try {
      await this.#options.client.send({ kind: 'leave', pipeline, generation })
    } catch {
      // The owner's name stays in the file, but without the lock it means nothing.
    }
    this.#giveUp()
  }

  #giveUp(): void {
    this.#owned = []
    this.#unlisten()
    this.#lock.release('delete') // the number of a generation is never used again
    this.#options.onGone(this)
  }
}
