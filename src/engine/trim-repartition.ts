/**
 * Keeps repartition topics small. Such a topic is a passage inside one pipeline, and each of its
 * partitions is read by one task: what lies before the offset that this task has committed is never
 * read again, whatever happens. So a task's session trims it after a commit from time to time.
 */
import type { Clock } from '../core/clock.ts'
import type { RecordBatch } from '../log/batch.ts'
import type {
  CommitBatch,
  CommitReceipt,
  GroupOffset,
  Log,
  Session,
  TaskSpec,
  TopicPartition,
} from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { TaskInput } from './task-inputs.ts'

/**
 * A trim is due after whichever comes first. The bytes bound what is on disk; the commits, the rows
 * that one trim deletes. The first commit after opening trims as well, for runs that end sooner.
 */
const commitsMax = 1000
const bytesMax = 16 << 20
const elapsedMsMax = 30_000

export interface TrimOptions {
  readonly log: Pick<Log, 'trim'>
  readonly clock: Clock
  /** One for each of the session's inputs. */
  readonly inputs: readonly Pick<TaskInput, 'kind' | 'place'>[]
  /** A trim that failed harms nothing: the next one makes up for it. */
  readonly onFailure: (error: unknown) => void
}

/** The session, trimming the repartition topics among its inputs; itself where there are none. */
export function trimRepartitions(session: Session, options: TrimOptions): Session {
  const isNeeded = options.inputs.some((input) => input.kind === 'repartition')
  return isNeeded ? new TrimmingSession(session, options) : session
}

interface Passage {
  readonly input: number
  readonly place: TopicPartition
  /** The task has committed everything before it. */
  committed: number
  trimmed: number
}

class TrimmingSession implements Session {
  readonly #session: Session
  readonly #options: TrimOptions
  readonly #passages: readonly Passage[]
  #commits = commitsMax
  #bytes = 0
  #trimmedMs: number
  #trimming: Promise<void> | null = null

  constructor(session: Session, options: TrimOptions) {
    this.#session = session
    this.#options = options
    this.#trimmedMs = options.clock.monotonic()
    this.#passages = options.inputs.flatMap(({ kind, place }, input) =>
      kind === 'topic'
        ? []
        : [{ input, place, committed: session.offsets[input] ?? 0, trimmed: 0 }],
    )
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
    const batch = this.#session.poll(input)
    if (batch !== null && this.#options.inputs[input]?.kind === 'repartition') {
      this.#bytes += batch.bytes.length
    }
    return batch
  }

  release(batch: RecordBatch): void {
    this.#session.release?.(batch)
  }

  get borrowsAppends(): boolean {
    return this.#session.borrowsAppends === true
  }

  wait(timeoutMs: number): ReturnType<Session['wait']> {
    return this.#session.wait(timeoutMs)
  }

  wake(): void {
    this.#session.wake()
  }

  behind(input: number): boolean {
    return this.#session.behind(input)
  }

  endOffset(input: number): number {
    return this.#session.endOffset(input)
  }

  async commit(commit: CommitBatch): Promise<CommitReceipt> {
    const receipt = await this.#session.commit(commit)
    for (const passage of this.#passages) {
      const next = commit.offsets[passage.input] ?? -1
      if (next >= 0) passage.committed = next
    }
    this.#commits += 1
    this.#trimIfDue()
    return receipt
  }

  #trimIfDue(): void {
    if (this.#trimming !== null) return
    const { clock, log, onFailure } = this.#options
    const nowMs = clock.monotonic()
    const isDue =
      this.#commits >= commitsMax ||
      this.#bytes >= bytesMax ||
      nowMs - this.#trimmedMs >= elapsedMsMax
    const moved = this.#passages.filter(({ committed, trimmed }) => committed > trimmed)
    if (!isDue || moved.length === 0) return
    this.#commits = 0
    this.#bytes = 0
    this.#trimmedMs = nowMs
    const offsets = moved.map(({ place, committed }): GroupOffset => ({
      topic: place.topic,
      partition: place.partition,
      offset: committed,
    }))
    const done = (): void => {
      for (const [i, passage] of moved.entries()) passage.trimmed = offsets[i]?.offset ?? 0
    }
    this.#trimming = log
      .trim(offsets)
      .then(done, onFailure)
      .finally(() => {
        this.#trimming = null
      })
  }

  /** Waits for a trim under way as well. */
  async close(): Promise<void> {
    await this.#session.close()
    await this.#trimming
  }
}

/**
 * A pipeline without any committed offset begins anew: what an earlier run whose state was
 * forgotten has left in its repartition topics is not of this run. To be called before a task is
 * opened; another process may run some already.
 */
export async function emptyPassages(log: Log, plan: Plan): Promise<void> {
  const topics = plan.parts.flatMap((part) => part.repartitions.map(({ topic }) => topic))
  if (topics.length === 0) return
  // The ends come first: where there is no offset after them, nothing of a run lies before them.
  const infos = await Promise.all(topics.map((topic) => log.describeTopic(topic)))
  const groups = await log.groups()
  const known = groups.find(({ group }) => group === plan.name)
  // Any offset at all: a task further on may not have committed one yet and still has to read them.
  if (known !== undefined && known.offsets.length > 0) return
  for (const { name: topic, partitions } of infos) {
    await log.trim(
      partitions.map(({ partition, endOffset: offset }) => ({ topic, partition, offset })),
    )
  }
}
