/** One owner's right to a task of an embedded log. [L1, L4] */
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import type { RecordBatch } from '../batch.ts'
import type { Appended, CommitBatch, CommitReceipt, Session, TaskSpec } from '../log.ts'
import { type Store, storeError } from './db.ts'
import { closedError, damaged, fenced } from './errors.ts'
import { InputCursors } from './reader.ts'
import { Waiting, type WaitResult } from './waiting.ts'
import type { WakeHub } from './wake.ts'
import type { WriteClient } from './writer-client.ts'
import type { OpenedTask } from './writes.ts'

export interface SessionOptions {
  readonly spec: TaskSpec
  readonly opened: OpenedTask
  /** The reading connection. */
  readonly store: Store
  readonly client: WriteClient
  readonly hub: WakeHub
  readonly clock: Clock
  readonly onClose: (session: EmbeddedSession) => void
}

export class EmbeddedSession implements Session {
  readonly spec: TaskSpec
  readonly epoch: number
  readonly offsets: readonly number[]
  readonly skipped: readonly number[]
  restoredShare = 0
  readonly #options: SessionOptions
  readonly #cursors: InputCursors
  readonly #waiting: Waiting
  #state: 'open' | 'fenced' | 'closed' = 'open'
  #committing: Promise<unknown> | null = null
  /** Data version at which the epoch was last seen to be ours. */
  #ownedAt = -1

  constructor(options: SessionOptions) {
    const { spec, opened, store, hub, clock } = options
    this.spec = spec
    this.epoch = opened.epoch
    this.offsets = opened.inputs.map(({ offset }) => offset)
    const skipped = opened.inputs.map((input) => input.skipped)
    this.skipped = skipped
    this.#options = options
    this.#cursors = new InputCursors(store, opened.inputs, {
      prefetchBytesMax: spec.prefetchBytesMax,
      onSkip: (input, recordCount) => {
        skipped[input] = (skipped[input] ?? 0) + recordCount
      },
    })
    this.#waiting = new Waiting(hub, clock, () => {
      if (this.#state !== 'open' || !this.#isOwner()) return 'closed'
      return this.#cursors.hasRecords() ? 'ready' : null
    })
  }

  async *restore(): AsyncIterable<Uint8Array> {
    this.#checkOpen()
    const { opened, store } = this.#options
    for (let seq = opened.keepSeq; seq < opened.nextSeq; seq++) {
      this.#checkOpen()
      const row = readBlob(store, opened.taskId, seq)
      if (row === undefined) {
        const { pipeline, task } = this.spec
        throw damaged(store.path, `lacks blob ${seq} of task '${task}' of pipeline '${pipeline}'`)
      }
      yield row.data
    }
    this.restoredShare = 1
  }

  poll(input: number): RecordBatch | null {
    this.#checkOpen()
    return this.#cursors.poll(input)
  }

  async wait(timeoutMs: number): Promise<WaitResult> {
    this.#checkOpen()
    if (this.#state === 'fenced') return 'closed'
    return await this.#waiting.wait(timeoutMs)
  }

  wake(): void {
    this.#checkOpen()
    this.#waiting.wake()
  }

  behind(): boolean {
    return false
  }

  endOffset(input: number): number {
    this.#checkOpen()
    return this.#cursors.endOffset(input)
  }

  async commit(commit: CommitBatch): Promise<CommitReceipt> {
    this.#checkOpen()
    assert(
      this.#committing === null,
      () => `task '${this.spec.task}' has a commit in flight already`,
    )
    const { pipeline, task, inputs } = this.spec
    if (this.#state === 'fenced') throw fenced(pipeline, task)
    assert(
      commit.offsets.length === inputs.length,
      () => `${commit.offsets.length} offsets were given for ${inputs.length} inputs`,
    )
    const sent = this.#send(commit)
    this.#committing = sent
    try {
      return { appended: await sent }
    } catch (error) {
      if (isCode(error, 'task-fenced')) this.fence()
      throw error
    } finally {
      this.#committing = null
    }
  }

  #send({ offsets, appends, changelog }: CommitBatch): Promise<Appended[]> {
    const { opened, client, clock } = this.#options
    const moves = []
    for (const [i, next] of offsets.entries()) {
      if (next === -1) continue
      const { topic, partition, partId } = opened.inputs[i] as OpenedTask['inputs'][number]
      assert(
        Number.isSafeInteger(next) && next >= 0,
        () => `${next} is no offset of ${topic}/${partition}`,
      )
      moves.push({ topic, partition, partId, next })
    }
    return client.send(
      {
        kind: 'commit',
        pipeline: this.spec.pipeline,
        task: this.spec.task,
        taskId: opened.taskId,
        epoch: this.epoch,
        offsets: moves,
        appends,
        changelog,
        nowMs: clock.now(),
      },
      'transfer',
    )
  }

  async close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#state = 'closed'
      this.#waiting.end()
      this.#options.onClose(this)
    }
    await this.#committing?.catch(() => undefined)
  }

  /** Another session has the task: a pending wait ends, commits fail from now on. */
  fence(): void {
    if (this.#state !== 'open') return
    this.#state = 'fenced'
    this.#waiting.end()
  }

  #isOwner(): boolean {
    const { store, opened } = this.#options
    try {
      const version = store.dataVersion()
      if (version === this.#ownedAt) return true
      const row = store.get<{ epoch: number }>(
        'SELECT epoch FROM tasks WHERE id = ?',
        opened.taskId,
      )
      if (row?.epoch === this.epoch) {
        this.#ownedAt = version
        return true
      }
    } catch (error) {
      throw storeError(error, store.path, 'read')
    }
    this.fence()
    return false
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw closedError(`the session of task '${this.spec.task}'`)
  }
}

function readBlob(store: Store, taskId: number, seq: number): { data: Uint8Array } | undefined {
  try {
    return store.get('SELECT data FROM changelog WHERE task_id = ? AND seq = ?', taskId, seq)
  } catch (error) {
    throw storeError(error, store.path, 'read')
  }
}
