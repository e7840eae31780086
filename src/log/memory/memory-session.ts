/** One owner's right to a task of a memory log. */
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { RecordBatch } from '../batch.ts'
import type {
  ChangelogWrite,
  CommitBatch,
  CommitReceipt,
  Session,
  TaskSpec,
  TopicPartition,
} from '../log.ts'
import { MemoryCursor, type WaitResult } from './memory-cursor.ts'
import { type MemoryStore, type MemoryTask, offsetKey, taskKey } from './memory-store.ts'

interface SessionOptions {
  readonly store: MemoryStore
  readonly clock: Clock
  readonly spec: TaskSpec
  readonly onClose: (session: MemorySession) => void
}

export class MemorySession implements Session {
  readonly spec: TaskSpec
  readonly epoch: number
  readonly offsets: readonly number[]
  readonly skipped: readonly number[]
  restoredShare = 0
  readonly #store: MemoryStore
  readonly #clock: Clock
  readonly #task: MemoryTask
  readonly #cursor: MemoryCursor
  #inFlight: Promise<void> | null = null

  /**
   * @throws `unknown-topic` · `unknown-partition` · `invalid-argument`; then the earlier owner
   * keeps the task
   */
  constructor({ store, clock, spec, onClose }: SessionOptions) {
    this.spec = spec
    this.#store = store
    this.#clock = clock
    const places = startingPlaces(store, spec)
    const inputs = places.map(({ partition, offset }) => ({ partition, offset }))
    const fence = (): void => this.#cursor.fence()
    this.#cursor = new MemoryCursor(inputs, clock, () => {
      if (this.#task.fence === fence) this.#task.fence = null
      onClose(this)
    })
    this.offsets = places.map((place) => place.offset)
    this.skipped = places.map((place) => place.skipped)
    this.#task = store.tasks.get(taskKey(spec)) ?? {
      pipeline: spec.pipeline,
      epoch: 0,
      offsets: new Map(),
      changelog: [],
      fence: null,
    }
    store.tasks.set(taskKey(spec), this.#task)
    this.#task.fence?.()
    this.#task.fence = fence
    this.#task.epoch += 1
    this.epoch = this.#task.epoch
  }

  async *restore(): AsyncIterable<Uint8Array> {
    this.#cursor.checkOpen()
    for (const { bytes } of this.#task.changelog) yield bytes.slice()
    this.restoredShare = 1
  }

  poll(input: number): RecordBatch | null {
    return this.#cursor.poll(input)
  }

  wait(timeoutMs: number): Promise<WaitResult> {
    return this.#cursor.wait(timeoutMs)
  }

  wake(): void {
    this.#cursor.wake()
  }

  behind(): boolean {
    return false
  }

  endOffset(input: number): number {
    return this.#cursor.endOffset(input)
  }

  commit(commit: CommitBatch): Promise<CommitReceipt> {
    const running = this.#commitAlone(commit, this.#inFlight)
    const settle = (): void => {
      this.#inFlight = null
    }
    this.#inFlight ??= running.then(settle, settle)
    return running
  }

  async #commitAlone(commit: CommitBatch, other: Promise<void> | null): Promise<CommitReceipt> {
    this.#cursor.checkOpen()
    assert(other === null, () => `task '${this.spec.task}' has a commit in flight already`)
    return this.#apply(commit)
  }

  /** Prepares and checks all; what comes after cannot fail. [L1] */
  #apply({ offsets, appends, changelog }: CommitBatch): CommitReceipt {
    this.#checkOwner()
    const moved = this.#movedOffsets(offsets)
    const prepared = this.#store.prepare(appends)
    const task = this.#task
    if (changelog !== null) task.changelog = withBlob(task.changelog, changelog)
    for (const [input, offset] of moved) {
      task.offsets.set(offsetKey(input), {
        topic: input.topic,
        partition: input.partition,
        offset,
      })
    }
    prepared.apply(this.#clock.now())
    return { appended: prepared.appended }
  }

  #checkOwner(): void {
    if (!this.#cursor.isFenced) return
    const { pipeline, task } = this.spec
    throw new MillraceError('task-fenced', `epoch ${this.epoch} lost the task`, {
      at: { pipeline, task },
      outcome: 'not-applied',
      hint: 'drop all that the session held; another run owns the task now',
    })
  }

  #movedOffsets(offsets: readonly number[]): [TopicPartition, number][] {
    const { inputs } = this.spec
    assert(
      offsets.length === inputs.length,
      () => `${offsets.length} offsets were given for ${inputs.length} inputs`,
    )
    const moved: [TopicPartition, number][] = []
    for (const [i, offset] of offsets.entries()) {
      const input = inputs[i] as TopicPartition
      if (offset === -1) continue
      const { endOffset } = this.#store.partition(input)
      assert(
        Number.isInteger(offset) && offset >= 0 && offset <= endOffset,
        () => `offset ${offset} of ${offsetKey(input)} is not within 0 to ${endOffset}`,
      )
      moved.push([input, offset])
    }
    return moved
  }

  async close(): Promise<void> {
    await this.#inFlight
    await this.#cursor.close()
  }
}

interface StartingPlace {
  readonly partition: ReturnType<MemoryStore['partition']>
  readonly offset: number
  readonly skipped: number
}

function startingPlaces(store: MemoryStore, spec: TaskSpec): StartingPlace[] {
  if (spec.startAt.length !== spec.inputs.length) {
    const counts = `${spec.startAt.length} startAt for ${spec.inputs.length} inputs`
    throw new MillraceError('invalid-argument', counts, { hint: 'give one startAt for each input' })
  }
  const task = store.tasks.get(taskKey(spec))?.offsets
  const group = store.groups.get(spec.pipeline)
  return spec.inputs.map((input, i) => {
    const partition = store.partition(input)
    const { startOffset, endOffset } = partition
    const committed = (task?.get(offsetKey(input)) ?? group?.get(offsetKey(input)))?.offset
    if (committed === undefined) {
      const offset = spec.startAt[i] === 'latest' ? endOffset : startOffset
      return { partition, offset, skipped: 0 }
    }
    const isCompacted = store.topic(input.topic).config.cleanup === 'compact'
    const skipped = isCompacted ? 0 : Math.max(0, startOffset - committed)
    return { partition, offset: Math.max(committed, startOffset), skipped }
  })
}

/** The changelog with one more blob; a round that ends here lets go of what came before it. */
function withBlob(
  changelog: readonly ChangelogWrite[],
  { bytes, startsRound, endsRound }: ChangelogWrite,
): ChangelogWrite[] {
  const all = [...changelog, { bytes, startsRound, endsRound }]
  if (!endsRound) return all
  return all.slice(
    Math.max(
      0,
      all.findLastIndex((blob) => blob.startsRound),
    ),
  )
}
