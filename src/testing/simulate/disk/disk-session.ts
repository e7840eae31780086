/** One owner's right to a task of a log on a simulated disk. */
import { assert } from '../../../core/assert.ts'
import { MillraceError } from '../../../core/error.ts'
import type { RecordBatch } from '../../../log/batch.ts'
import type { CommitBatch, CommitReceipt, Session, TaskSpec } from '../../../log/log.ts'
import { type MemoryStore, type MemoryTask, taskKey } from '../../../log/memory/memory-store.ts'
import type { Change } from './frame.ts'

export interface DiskSessionParts {
  /** Of the memory log on the same store; just opened. */
  readonly session: Session
  readonly store: MemoryStore
  readonly write: <R>(change: Change, apply: () => R) => R
}

export class DiskSession implements Session {
  readonly #session: Session
  readonly #store: MemoryStore
  readonly #write: DiskSessionParts['write']
  readonly #task: MemoryTask
  /** What the task has for as long as this session owns it. */
  readonly #fence: MemoryTask['fence']
  #isClosed = false
  #inFlight: Promise<CommitReceipt> | null = null

  constructor({ session, store, write }: DiskSessionParts) {
    this.#session = session
    this.#store = store
    this.#write = write
    const task = store.tasks.get(taskKey(session.spec))
    assert(task !== undefined, () => `task '${session.spec.task}' is not in the store`)
    this.#task = task
    this.#fence = task.fence
  }

  get spec(): TaskSpec {
    return this.#session.spec
  }

  get epoch(): number {
    return this.#session.epoch
  }

  get offsets(): readonly number[] {
    return this.#session.offsets
  }

  get skipped(): readonly number[] {
    return this.#session.skipped
  }

  get restoredShare(): number {
    return this.#session.restoredShare
  }

  restore(): AsyncIterable<Uint8Array> {
    return this.#session.restore()
  }

  poll(input: number): RecordBatch | null {
    return this.#session.poll(input)
  }

  behind(input: number): boolean {
    return this.#session.behind(input)
  }

  wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    return this.#session.wait(timeoutMs)
  }

  wake(): void {
    this.#session.wake()
  }

  endOffset(input: number): number {
    return this.#session.endOffset(input)
  }

  commit(commit: CommitBatch): Promise<CommitReceipt> {
    const running = this.#commitAlone(commit, this.#inFlight !== null)
    const settle = (): void => {
      if (this.#inFlight === running) this.#inFlight = null
    }
    this.#inFlight ??= running
    running.then(settle, settle)
    return running
  }

  async #commitAlone(commit: CommitBatch, isSecond: boolean): Promise<CommitReceipt> {
    const { pipeline, task } = this.spec
    // Who owns a task is not in the file, so these are refused before anything is written there;
    // the session itself says why.
    const isOwner = !this.#isClosed && this.#task.fence === this.#fence
    if (!isOwner) return await this.#session.commit(commit)
    assert(!isSecond, () => `task '${task}' has a commit in flight already`)
    this.#checkOffsets(commit)
    this.#store.prepare(commit.appends)
    const change = { kind: 'commit', pipeline, task, epoch: this.epoch, commit } as const
    return await this.#write(change, () => this.#session.commit(commit))
  }

  /** Wrong ones are a bug of the caller: they must not come to the file. */
  #checkOffsets({ offsets }: CommitBatch): void {
    const { inputs } = this.spec
    assert(
      offsets.length === inputs.length,
      () => `${offsets.length} offsets were given for ${inputs.length} inputs`,
    )
    for (const [i, input] of inputs.entries()) {
      const offset = offsets[i] ?? -1
      const { endOffset } = this.#store.partition(input)
      assert(
        Number.isInteger(offset) && offset >= -1 && offset <= endOffset,
        () => `offset ${offset} of ${input.topic} is not within -1 to ${endOffset}`,
      )
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#inFlight?.catch((thrown: unknown) => {
      if (!(thrown instanceof MillraceError)) throw thrown
    })
    await this.#session.close()
  }
}
