/** A task, held: see `Session` in log.ts. */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { RecordBatch } from '../../batch.ts'
import type {
  Appended,
  CommitBatch,
  CommitReceipt,
  Session,
  TaskSpec,
  TopicPartition,
} from '../../log.ts'
import { committedOffsets } from '../admin/committed-offsets.ts'
import type { CommittedPlace } from '../admin/committed-offsets.ts'
import { changelogTopic, taskGroup, transactionalIdOf } from '../admin/names.ts'
import type { KafkaAdmin } from '../admin/admin.ts'
import type {
  FetchSet,
  Fetcher,
  GroupOffsets,
  OffsetToCommit,
  OutOfRange,
  Ownership,
  TransactionalProducer,
} from '../contracts.ts'
import { aboveEnd, gap } from '../fetch/out-of-range.ts'
import { listOffsets, unknownPartition, unknownTopic } from '../fetch/offsets.ts'
import type { Cluster } from '../wire/cluster.ts'
import { Changelog, stateLost } from './changelog.ts'
import { keptStateAt, offsetsForgotten } from './kept-state.ts'
import type { LocalCopy } from './local-copy.ts'
import type { RestoreGate } from './restore-gate.ts'

export interface SessionOptions {
  readonly cluster: Cluster
  readonly admin: KafkaAdmin
  readonly fetcher: Fetcher
  readonly spec: TaskSpec
  readonly outOfRange: OutOfRange
  /** All tasks of the pipeline, as far as they are known. */
  readonly tasks: readonly string[]
  /** null: this process is no member of the pipeline's group. */
  readonly ownership: Ownership | null
  /** Opens the local copy of the task's changelog; null: none is kept. */
  readonly openCopy: ((from: number | null) => Promise<LocalCopy | null>) | null
  readonly gate: RestoreGate
  readonly openProducer: (transactionalId: string) => Promise<TransactionalProducer>
  readonly onClose: (session: KafkaSession) => void
}

const prefetchBytesMax = 4 << 20
/** Of what a restore fetches ahead: small, so that many may run at once. */
const restoreBytesMax = 2 << 20

/** Fences earlier owners first; only then are offsets and state what they will stay. */
export async function openSession(options: SessionOptions): Promise<KafkaSession> {
  const { cluster, spec, admin, fetcher } = options
  const { pipeline, task, inputs } = spec
  await checkInputs(cluster, spec)
  const producer = await options.openProducer(transactionalIdOf(pipeline, task))
  try {
    const place = changelogTopic(pipeline, task)
    const isShared = (i: number): boolean => spec.shared?.[i] === true
    const own = inputs.filter((_, i) => !isShared(i))
    const shared = inputs.filter((_, i) => isShared(i))
    const [committed, committedShared, starts, ends] = await Promise.all([
      committedOffsets(cluster, pipeline, [...own, place]),
      committedOffsets(cluster, taskGroup(pipeline, task), shared),
      listOffsets(cluster, inputs, 'earliest'),
      listOffsets(cluster, inputs, 'latest'),
    ])
    const from =
      committed.pop() ?? (await forgotten(options, place, [...committed, ...committedShared]))
    const begin = inputs.map((input, i) => {
      const known = isShared(i) ? committedShared.shift() : committed.shift()
      const [start = 0, end = 0] = [starts[i], ends[i]]
      if (known === undefined || known === null) {
        return { offset: spec.startAt[i] === 'latest' ? end : start, skipped: 0 }
      }
      if (known.offset > end) throw aboveEnd(input, known.offset, end)
      if (known.offset >= start) return { offset: known.offset, skipped: 0 }
      if (options.outOfRange === 'stop') throw gap(input, known.offset, start)
      const offset = options.outOfRange === 'latest' ? end : start
      return { offset, skipped: offset - known.offset }
    })
    const tasks = [task, ...options.tasks].map((one) => changelogTopic(pipeline, one))
    const partitions =
      1 + Math.max(...tasks.map((one) => (one.topic === place.topic ? one.partition : 0)))
    const changelog = new Changelog({
      cluster,
      admin,
      fetcher,
      place,
      partitions,
      pipeline,
      task,
      from,
      openCopy: options.openCopy,
      gate: options.gate,
    })
    return new KafkaSession(options, { producer, changelog, begin, ends })
  } catch (thrown) {
    await producer.close()
    throw thrown
  }
}

/**
 * Where a restore begins though no offset says so; null: there never was state.
 * @param offsets of the inputs
 * @throws `state-lost`
 */
async function forgotten(
  options: SessionOptions,
  place: TopicPartition,
  offsets: readonly (CommittedPlace | null)[],
): Promise<CommittedPlace | null> {
  const { spec } = options
  const offset = await keptStateAt(options, place)
  // The offset of a topic goes with it; those of the inputs tell that there was state.
  const hadState = offsets.some((one) => one?.metadata === metadataOf(spec.task, true))
  if (offset === null && hadState) throw stateLost(spec, place, 'nothing of it is there')
  if (offset === null) return null
  if (offsets.length > 0 && offsets.every((one) => one === null)) throw offsetsForgotten(spec)
  return { offset, metadata: '' }
}

/** Kept with each offset, for people and to know what belongs to it. */
function metadataOf(task: string, hasState: boolean): string {
  return hasState ? `${task} with state` : task
}

async function checkInputs(cluster: Cluster, { inputs }: TaskSpec): Promise<void> {
  const names = [...new Set(inputs.map(({ topic }) => topic))]
  const known = names.length === 0 ? new Map() : await cluster.topics(names, { fresh: true })
  for (const { topic, partition } of inputs) {
    const meta = known.get(topic)
    if (meta === undefined) throw unknownTopic(topic)
    if (meta.partitions[partition] === undefined) throw unknownPartition(topic, partition)
  }
}

interface Opened {
  readonly producer: TransactionalProducer
  readonly changelog: Changelog
  readonly begin: readonly { readonly offset: number; readonly skipped: number }[]
  readonly ends: readonly number[]
}

export class KafkaSession implements Session {
  readonly spec: TaskSpec
  /** They are encoded anew for the brokers. */
  readonly borrowsAppends = true
  readonly epoch: number
  readonly offsets: readonly number[]
  readonly skipped: readonly number[]
  readonly #options: SessionOptions
  readonly #producer: TransactionalProducer
  readonly #changelog: Changelog
  readonly #set: FetchSet
  readonly #ends: readonly number[]
  #inFlight: Promise<unknown> | null = null
  /** What every later commit throws. */
  #failure: unknown = null
  #isFenced = false
  #closing: Promise<void> | null = null

  constructor(options: SessionOptions, { producer, changelog, begin, ends }: Opened) {
    this.#options = options
    this.spec = options.spec
    this.#producer = producer
    this.#changelog = changelog
    this.#ends = ends
    this.epoch = producer.epoch
    this.offsets = begin.map(({ offset }) => offset)
    this.skipped = begin.map(({ skipped }) => skipped)
    const bytesMax = this.spec.prefetchBytesMax ?? prefetchBytesMax
    this.#set = options.fetcher.open(
      this.spec.inputs.map((input, i) => ({ ...input, offset: this.offsets[i] ?? 0 })),
      { bytesMax, outOfRange: options.outOfRange },
    )
  }

  restore(): AsyncIterable<Uint8Array> {
    this.#checkOpen()
    return this.#changelog.restore(
      Math.min(restoreBytesMax, this.spec.prefetchBytesMax ?? restoreBytesMax),
    )
  }

  get restoredShare(): number {
    return this.#changelog.restoredShare
  }

  poll(input: number): RecordBatch | null {
    this.#checkOpen()
    return this.#set.poll(input)
  }

  release(batch: RecordBatch): void {
    this.#set.release(batch)
  }

  behind(input: number): boolean {
    this.#checkOpen()
    return this.#set.behind(input)
  }

  async wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    this.#checkOpen()
    if (this.#isFenced) return 'closed'
    const result = await this.#set.wait(timeoutMs)
    return this.#hasEnded() ? 'closed' : result
  }

  #hasEnded(): boolean {
    return this.#isFenced || this.#closing !== null
  }

  wake(): void {
    this.#set.wake()
  }

  endOffset(input: number): number {
    this.#checkOpen()
    return Math.max(this.#set.endOffset(input), this.#ends[input] ?? 0)
  }

  /** Whether a later owner has come, looked up; then the session ends. */
  async look(): Promise<void> {
    if (this.#hasEnded() || this.#inFlight !== null) return
    if (await this.#producer.isFenced()) this.#fence(this.#takenOver())
  }

  #fence(failure: unknown): void {
    this.#isFenced = true
    this.#failure ??= failure
    this.#set.wake()
  }

  async commit(batch: CommitBatch): Promise<CommitReceipt> {
    this.#checkOpen()
    if (this.#failure !== null) throw this.#failure
    const done = this.#commit(batch)
    const settled = done.catch(() => {})
    this.#inFlight = settled
    try {
      return await done
    } finally {
      this.#inFlight = null
    }
  }

  async #commit({ offsets, appends, changelog }: CommitBatch): Promise<CommitReceipt> {
    if (changelog !== null) await this.#changelog.ensure()
    this.#changelog.shedCopy()
    const blob = changelog === null ? [] : this.#changelog.appendsOf(changelog)
    const hasState = this.#changelog.hasState || changelog !== null
    const moved = this.#moved(offsets, metadataOf(this.spec.task, hasState))
    const count = appends.length
    try {
      const appended = await this.#producer.commit({
        appends: [...appends, ...blob],
        offsets: (written) => {
          const start =
            changelog === null ? [] : this.#changelog.offsetsOf(changelog, written.slice(count))
          return this.#groups(moved, start)
        },
      })
      if (changelog !== null) this.#changelog.committed(changelog, appended.slice(count))
      return { appended: appended.slice(0, count) as Appended[] }
    } catch (thrown) {
      if (this.#producer.isDead) this.#failure = thrown
      if (isCode(thrown, 'task-fenced')) this.#fence(thrown)
      throw thrown
    }
  }

  /** The offsets that a commit moves, with whether the input is shared. */
  #moved(
    offsets: readonly number[],
    metadata: string,
  ): { place: OffsetToCommit; isShared: boolean }[] {
    const { inputs, shared } = this.spec
    return offsets.flatMap((offset, i) => {
      const input = inputs[i]
      if (offset < 0 || input === undefined) return []
      const { topic, partition } = input
      const place = { topic, partition, offset, metadata }
      return { place, isShared: shared?.[i] === true }
    })
  }

  #groups(
    moved: readonly { place: OffsetToCommit; isShared: boolean }[],
    start: readonly OffsetToCommit[],
  ): GroupOffsets[] {
    const { pipeline, task } = this.spec
    const own = moved.flatMap(({ place, isShared }) => (isShared ? [] : place))
    const shared = moved.flatMap(({ place, isShared }) => (isShared ? place : []))
    const { ownership } = this.#options
    return [
      { group: pipeline, offsets: [...own, ...start], ownership },
      { group: taskGroup(pipeline, task), offsets: shared, ownership: null },
    ].filter((group) => group.offsets.length > 0)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#set.wake()
    await this.#inFlight
    await this.#set.close()
    await this.#changelog.close()
    await this.#producer.close()
    this.#options.onClose(this)
  }

  #checkOpen(): void {
    if (this.#closing === null) return
    throw new MillraceError('log-closed', `the session of task ${this.spec.task} was closed`)
  }

  #takenOver(): MillraceError {
    const { pipeline, task } = this.spec
    return new MillraceError('task-fenced', `task ${task} was taken over by another run`, {
      at: { pipeline, task },
    })
  }
}
