/**
 * Runs a source: its records go to a topic, its position to the changelog of a task of its own, in
 * one commit. [L1] There is nothing else that remembers where the source was.
 */
import type { Clock } from '../core/clock.ts'
import { isCode, messageOf, MillraceError } from '../core/error.ts'
import { ValueReader, ValueWriter } from '../core/value-codec.ts'
import type { Log, Membership, Session, TopicConfig } from '../log/log.ts'
import { pause } from './pause.ts'
import type { Source, SourceBatch } from './source.ts'
import { SourceBlocks } from './source-blocks.ts'

export interface SourceOptions {
  /** Where the records go. */
  readonly topic: string
  /** Settings with which the topic is made when it does not exist; absent: it must exist. */
  readonly create?: Partial<TopicConfig>
  readonly clock: Clock
  /**
   * Fence whoever runs this source now, instead of failing with `pipeline-running`. Default false.
   */
  readonly takeOver?: boolean
  /** Failures in a row, without a commit between, after which the run ends. Default 8. */
  readonly attemptsMax?: number
  /** Told what goes on. */
  readonly notify?: (event: SourceEvent) => void
}

export type SourceEvent =
  /** `resumed`: it goes on from a committed position. */
  | { readonly kind: 'opened'; readonly source: string; readonly resumed: boolean }
  | {
      readonly kind: 'retrying'
      readonly source: string
      readonly error: unknown
      readonly attempt: number
      readonly inMs: number
    }
  /** The source has nothing more to give. */
  | { readonly kind: 'ended'; readonly source: string }

/** What a source is doing, for people and tests. */
export interface SourceStatus<P> {
  readonly source: string
  readonly topic: string
  readonly state: 'running' | 'retrying' | 'ended' | 'stopped' | 'failed'
  /** The last committed one; null before the first commit ever. */
  readonly position: P | null
  /** Records and commits of this run. */
  readonly recordCount: number
  readonly commitCount: number
}

/** A running source. */
export interface SourceRun<P> {
  /** The committed position that the run began at; null: at the beginning. */
  readonly from: P | null
  /** Resolves when the source ended or was stopped; rejects with what ended it otherwise. */
  readonly done: Promise<void>
  /** Commits what is in hand and gives the source up. Idempotent; never rejects. */
  stop(): Promise<void>
  status(): SourceStatus<P>
}

const retryMsMin = 50
const retryMsMax = 5_000
const attemptsMaxDefault = 8

/**
 * Starts a source in this process. A second run of it on the same log fails with
 * `pipeline-running`.
 * @returns when the source has its place in the log and its position was read; records may not have
 * been
 * @throws `unknown-topic` · `pipeline-running` · `invalid-argument` for its name · what the log
 * throws
 */
export async function runSource<P>(
  log: Log,
  source: Source<P>,
  options: SourceOptions,
): Promise<SourceRun<P>> {
  checkName(source.name)
  const partitionCount = await topicPartitions(log, options)
  const membership = await log.join({
    pipeline: pipelineOf(source.name),
    tasks: [positionTask],
    takeOver: options.takeOver ?? false,
  })
  const loop = new SourceLoop(log, source, partitionCount, options)
  membership.onChange(async ({ reason }) => loop.handOver(reason))
  const done = runAndLeave(loop, membership)
  done.catch(() => {}) // whoever asks for `done` gets it; nobody asking must not end the process
  await Promise.race([loop.opened, done])
  return {
    from: await loop.opened,
    done,
    stop: async () => {
      loop.stop()
      await done.catch(() => {})
    },
    status: () => loop.status(),
  }
}

const positionTask = 'position'

/**
 * The name under which the log keeps a source's position; `deleteGroup` of it forgets the position.
 */
export function pipelineOf(source: string): string {
  return `source-${source}`
}

function checkName(name: string): void {
  if (/^[\w.-]{1,200}$/.test(name)) return
  throw new MillraceError('invalid-argument', `'${name}' cannot be the name of a source`, {
    hint: 'a name has 1 to 200 letters, digits, dots, underscores and hyphens',
  })
}

async function topicPartitions(log: Log, { topic, create }: SourceOptions): Promise<number> {
  try {
    return (await log.describeTopic(topic)).partitions.length
  } catch (thrown) {
    if (create === undefined || !isCode(thrown, 'unknown-topic')) throw thrown
    return (await log.createTopic(topic, create)).partitions.length
  }
}

async function runAndLeave<P>(loop: SourceLoop<P>, membership: Membership): Promise<void> {
  try {
    await loop.run()
  } finally {
    await membership.leave()
  }
}

class SourceLoop<P> {
  readonly #log: Log
  readonly #source: Source<P>
  readonly #options: SourceOptions
  readonly #blocks: SourceBlocks
  readonly #writer = new ValueWriter(256)
  readonly #stopping = new AbortController()
  readonly #opened = Promise.withResolvers<P | null>()
  #isFenced = false
  #failureCount = 0
  #state: SourceStatus<P>['state'] = 'running'
  #position: P | null = null
  #recordCount = 0
  #commitCount = 0

  constructor(log: Log, source: Source<P>, partitionCount: number, options: SourceOptions) {
    this.#log = log
    this.#source = source
    this.#options = options
    this.#blocks = new SourceBlocks(options.topic, partitionCount)
  }

  /** Resolves with the position of the first opening. */
  get opened(): Promise<P | null> {
    return this.#opened.promise
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** Another process becomes the runner. */
  handOver(reason: 'rebalanced' | 'fenced'): void {
    if (reason === 'fenced') this.#isFenced = true
    this.stop()
  }

  status(): SourceStatus<P> {
    return {
      source: this.#source.name,
      topic: this.#options.topic,
      state: this.#state,
      position: this.#position,
      recordCount: this.#recordCount,
      commitCount: this.#commitCount,
    }
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping
    try {
      while (!signal.aborted) {
        try {
          await this.#once(signal)
          if (!signal.aborted) return this.#ended()
        } catch (thrown) {
          await this.#failed(thrown, signal)
        }
      }
      if (this.#isFenced) throw this.#fenced()
      this.#state = 'stopped'
    } catch (thrown) {
      this.#state = 'failed'
      throw thrown
    }
  }

  /** One opening: from the last committed position to the source's end, the stop or a failure. */
  async #once(signal: AbortSignal): Promise<void> {
    const { name } = this.#source
    const session = await this.#log.open({
      pipeline: pipelineOf(name),
      task: positionTask,
      inputs: [],
      startAt: [],
    })
    try {
      this.#position = await restored<P>(session)
      this.#state = 'running'
      this.#opened.resolve(this.#position)
      const resumed = this.#position !== null
      this.#options.notify?.({ kind: 'opened', source: name, resumed })
      for await (const batch of this.#source.open(this.#position, signal)) {
        await this.#commit(session, batch)
      }
    } finally {
      await session.close()
    }
  }

  async #commit(session: Session, { records, position }: SourceBatch<P>): Promise<void> {
    const appends = this.#blocks.of(records)
    this.#writer.reset()
    this.#writer.writeValue(position)
    await session.commit({
      offsets: [],
      appends,
      // One blob is the whole state, so each is a round of its own.
      changelog: { bytes: this.#writer.bytes(), startsRound: true, endsRound: true },
    })
    this.#position = position
    this.#recordCount += records.length
    this.#commitCount += 1
    this.#failureCount = 0
  }

  /** Waits before the next try. @throws `thrown` where another try would not help */
  async #failed(thrown: unknown, signal: AbortSignal): Promise<void> {
    const { clock, notify, attemptsMax = attemptsMaxDefault } = this.#options
    const error = asFailure(thrown, this.#source.name)
    this.#failureCount += 1
    const isOver = error.code === 'task-fenced' || error.retry === 'never' || signal.aborted
    if (isOver || this.#failureCount >= attemptsMax) throw error
    const inMs = Math.min(retryMsMin * 2 ** (this.#failureCount - 1), retryMsMax)
    this.#state = 'retrying'
    const attempt = this.#failureCount
    notify?.({ kind: 'retrying', source: this.#source.name, error, attempt, inMs })
    await pause(clock, inMs, signal)
  }

  #ended(): void {
    this.#state = 'ended'
    this.#options.notify?.({ kind: 'ended', source: this.#source.name })
  }

  #fenced(): MillraceError {
    const { name } = this.#source
    return new MillraceError('task-fenced', `source ${name} was taken over by another run`, {
      at: { pipeline: pipelineOf(name), task: positionTask },
    })
  }
}

async function restored<P>(session: Session): Promise<P | null> {
  let position: P | null = null
  for await (const blob of session.restore()) {
    position = new ValueReader(blob).readValue() as P // as this source wrote it
  }
  return position
}

function asFailure(thrown: unknown, source: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  return new MillraceError('source-failed', `source ${source} failed: ${messageOf(thrown)}`, {
    cause: thrown,
  })
}
