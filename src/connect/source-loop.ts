/**
 * One process's reading of a source, from its opening to its end, the stop or too many failures.
 */
import type { Clock } from '../core/clock.ts'
import { isCode, messageOf, MillraceError } from '../core/error.ts'
import type { Random } from '../core/random.ts'
import { ValueReader, ValueWriter } from '../core/value-codec.ts'
import type { Log, Session } from '../log/log.ts'
import { KnownIds } from './known-ids.ts'
import { pause } from './pause.ts'
import { SourceBlocks } from './source-blocks.ts'
import type { DedupeSpec } from '../pipeline/source-spec.ts'
import type { Source, SourceBatch } from './source.ts'

export type SourceEvent =
  /** `resumed`: it goes on from a committed position. */
  | { readonly kind: 'source-opened'; readonly source: string; readonly resumed: boolean }
  | {
      readonly kind: 'source-retrying'
      readonly source: string
      readonly error: unknown
      readonly attempt: number
      readonly inMs: number
    }
  /** Something that came and can be no record; what follows it does. */
  | { readonly kind: 'source-refused'; readonly source: string; readonly error: MillraceError }
  /** The source has nothing more to give. */
  | { readonly kind: 'source-ended'; readonly source: string }
  /** What the source has to say; nothing has failed. */
  | { readonly kind: 'source-notice'; readonly source: string; readonly text: string }
  /** It has come to this process, or gone to another one. */
  | { readonly kind: 'source-gained' | 'source-lost'; readonly source: string }

/** What a source is doing, for people and tests. */
export interface SourceStatus<P> {
  readonly source: string
  readonly topic: string
  /** `elsewhere`: another process reads it. */
  readonly state: 'running' | 'retrying' | 'ended' | 'stopped' | 'failed' | 'elsewhere'
  /** The last committed one; null before the first commit ever. */
  readonly position: P | null
  /** Records and commits of this run. */
  readonly recordCount: number
  readonly commitCount: number
  /** What came in this run and could be no record. */
  readonly refusedCount: number
  /** null: nothing is left out as known. */
  readonly dedupe: DedupeStatus | null
}

/** What `from(source, { dedupe })` does. */
export interface DedupeStatus {
  /** Records left out since the source was opened last. */
  readonly duplicates: number
  /** Ids that are remembered. */
  readonly ids: number
  /** Of those, how many had to go before their time since then: raise `max`. */
  readonly forgottenEarly: number
}

export interface SourceLoopOptions<P> {
  readonly log: Log
  readonly source: Source<P>
  /** Kept up to date. */
  readonly status: { -readonly [F in keyof SourceStatus<P>]: SourceStatus<P>[F] }
  readonly partitionCount: number
  readonly clock: Clock
  readonly random: Random
  readonly attemptsMax: number
  readonly dedupe: DedupeSpec | null
  readonly notify: (event: SourceEvent) => void
  /** The source has nothing more. */
  readonly onEnd: () => void
}

const retryMsMin = 50
const retryMsMax = 5_000

export const positionTask = 'position'

/**
 * The name under which the log keeps a source's position; `deleteGroup` of it forgets the position.
 */
export function pipelineOf(source: string): string {
  return `source-${source}`
}

export class SourceLoop<P> {
  readonly #options: SourceLoopOptions<P>
  readonly #blocks: SourceBlocks
  readonly #writer = new ValueWriter(256)
  readonly #stopping = new AbortController()
  readonly #opened = Promise.withResolvers<void>()
  #hasOpened = false
  #isDropped = false
  #failureCount = 0
  #from: P | null = null

  constructor(options: SourceLoopOptions<P>) {
    this.#options = options
    this.#blocks = new SourceBlocks(options.status.topic, options.partitionCount)
  }

  /** Resolves when a position was read for the first time, or the loop has ended. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  get hasOpened(): boolean {
    return this.#hasOpened
  }

  /** The position of the first opening. */
  get from(): P | null {
    return this.#from
  }

  stop(): void {
    this.#stopping.abort()
  }

  drop(): void {
    this.#isDropped = true
    this.stop()
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping
    const { status } = this.#options
    try {
      status.state = 'running'
      while (!signal.aborted) {
        try {
          await this.#once(signal)
          if (!signal.aborted) return this.#ended()
        } catch (thrown) {
          if (this.#isDropped) break
          await this.#failed(thrown, signal)
        }
      }
      status.state = 'stopped'
    } catch (thrown) {
      status.state = 'failed'
      throw thrown
    } finally {
      this.#opened.resolve()
    }
  }

  /** One opening: from the last committed position to the source's end, the stop or a failure. */
  async #once(signal: AbortSignal): Promise<void> {
    const { log, source, status, clock, random, notify } = this.#options
    const { name } = source
    const session = await log.open({
      pipeline: pipelineOf(name),
      task: positionTask,
      inputs: [],
      startAt: [],
    })
    try {
      const { dedupe } = this.#options
      const ids = dedupe === null ? null : new KnownIds(dedupe)
      const position = await restored<P>(session, ids)
      status.position = position
      status.state = 'running'
      if (!this.#hasOpened) this.#from = position
      this.#hasOpened = true
      this.#opened.resolve()
      notify({ kind: 'source-opened', source: name, resumed: position !== null })
      const notice = (text: string): void => notify({ kind: 'source-notice', source: name, text })
      for await (const batch of source.open(position, { signal, clock, random, notice })) {
        if (this.#isDropped) return
        await this.#commit(session, batch, ids)
      }
    } finally {
      await session.close()
    }
  }

  async #commit(session: Session, batch: SourceBatch<P>, ids: KnownIds | null): Promise<void> {
    const { status, source, notify, clock } = this.#options
    const { position, refused = [] } = batch
    const records = ids === null ? batch.records : ids.sift(batch.records, clock.now())
    const appends = this.#blocks.of(records)
    this.#writer.reset()
    this.#writer.writeValue(position)
    const round = ids === null ? wholeRound : ids.write(this.#writer)
    await session.commit({
      offsets: [],
      appends,
      changelog: { bytes: this.#writer.bytes(), ...round },
    })
    status.position = position
    status.recordCount += records.length
    status.commitCount += 1
    status.refusedCount += refused.length
    status.dedupe = statusOf(ids)
    for (const error of refused) notify({ kind: 'source-refused', source: source.name, error })
    this.#failureCount = 0
  }

  /** Waits before the next try. @throws `thrown` where another try would not help */
  async #failed(thrown: unknown, signal: AbortSignal): Promise<void> {
    const { clock, notify, attemptsMax, source, status } = this.#options
    const error = asFailure(thrown, source.name)
    this.#failureCount += 1
    const isOver = error.code === 'task-fenced' || error.retry === 'never' || signal.aborted
    const isTooOften = this.#failureCount >= attemptsMax && !isCode(error, 'log-unreachable')
    if (isOver || isTooOften) throw error
    const inMs = Math.min(retryMsMin * 2 ** Math.min(this.#failureCount - 1, 10), retryMsMax)
    status.state = 'retrying'
    notify({
      kind: 'source-retrying',
      source: source.name,
      error,
      attempt: this.#failureCount,
      inMs,
    })
    await pause(clock, inMs, signal)
  }

  #ended(): void {
    this.#options.status.state = 'ended'
    this.#options.notify({ kind: 'source-ended', source: this.#options.source.name })
    this.#options.onEnd()
  }
}

/** The position, and behind it, where they are asked for, the ids that are known. */
async function restored<P>(session: Session, ids: KnownIds | null): Promise<P | null> {
  let position: P | null = null
  const restoring = ids?.restoring()
  for await (const blob of session.restore()) {
    const reader = new ValueReader(blob)
    position = reader.readValue() as P // as this source wrote it
    restoring?.next(reader)
  }
  restoring?.ended()
  return position
}

/** One blob is the whole state. */
const wholeRound = { startsRound: true, endsRound: true }

function statusOf(ids: KnownIds | null): DedupeStatus | null {
  if (ids === null) return null
  return { duplicates: ids.duplicates, ids: ids.count, forgottenEarly: ids.forgotten }
}

function asFailure(thrown: unknown, source: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  return new MillraceError('source-failed', `source ${source} failed: ${messageOf(thrown)}`, {
    cause: thrown,
  })
}
