/**
 * The session of one partition of an outbox: reads what waits, commits what is done, with the dead
 * letters of it in the same step.
 */
import { MillraceError } from '../../core/error.ts'
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { Letters } from '../../engine/letters.ts'
import { Outputs } from '../../engine/outputs.ts'
import type { RecordBatch } from '../../log/batch.ts'
import type { AppendBatch, Session, TopicPartition } from '../../log/log.ts'
import { deadTopic } from '../../pipeline/letter-topic.ts'
import type { HeldRecord } from './held-record.ts'
import { packState, Progress, unpackState } from './progress.ts'
import type { DeliveryState } from './progress.ts'

/** Between two commits while deliveries go on: each costs an fsync, and only saves repeats. */
const commitEveryMs = 100
/** Those given up long ago no destination asks for again. */
const givenUpMax = 1_000

export interface OutboxSessionOptions {
  readonly session: Session
  readonly clock: Clock
  /** For dead letters: who gave the record up. */
  readonly sink: string
  /** Of the dead letters' topic. */
  readonly dead: { readonly partitionCount: number; readonly recordBytesMax: number }
}

export class OutboxSession {
  readonly session: Session
  readonly progress: Progress
  readonly #options: OutboxSessionOptions
  readonly #outputs = new Outputs()
  readonly #letters: Letters
  /** `progress.changes` at the last commit. */
  #committedChanges: number
  /** As the last commit has it. */
  #committedState: Uint8Array
  #givenUp: number[]
  #committedAtMs = Number.NEGATIVE_INFINITY
  #inFlight: Promise<void> | null = null
  #commitCount = 0
  #failure: { readonly thrown: unknown } | null = null

  private constructor(options: OutboxSessionOptions, state: DeliveryState) {
    const { session, dead } = options
    this.#options = options
    this.session = session
    const { topic } = this.place
    this.progress = new Progress(session.offsets[0] ?? 0, state.runs)
    this.#givenUp = [...state.givenUp]
    this.#committedChanges = this.progress.changes
    this.#committedState = packState(state)
    this.#letters = new Letters(this.#outputs, topic, session.spec.pipeline)
    this.#outputs.declare({ name: deadTopic(topic), compact: false, ...dead })
  }

  /** Reads back what was done. @throws `state-corrupt` · what the session throws */
  static async open(options: OutboxSessionOptions): Promise<OutboxSession> {
    let state: DeliveryState = { runs: [], givenUp: [] }
    for await (const blob of options.session.restore()) state = unpackState(blob)
    return new OutboxSession(options, state)
  }

  get place(): TopicPartition {
    const [input] = this.session.spec.inputs
    assert(input !== undefined, () => 'a delivery reads one partition')
    return input
  }

  /** The next records of the outbox; null: none is at hand. */
  poll(): RecordBatch | null {
    return this.session.poll(0)
  }

  /** The record is given up: its letter is in the next commit. */
  dead(held: HeldRecord, thrown: unknown): void {
    this.#outputs.begin()
    this.#letters.dead(held.origin, this.#options.sink, thrown)
    this.#givenUp.push(held.pending.offset)
    if (this.#givenUp.length > givenUpMax) this.#givenUp.shift()
    if (!held.pending.isDone) this.progress.done(held.pending)
  }

  /** Whether there is a dead letter of the record: nobody is to get it any more. */
  isGivenUp(offset: number): boolean {
    return this.#givenUp.includes(offset)
  }

  /** Records that are neither delivered nor given up, as far as is known. */
  get backlog(): number {
    return Math.max(0, this.session.endOffset(0) - this.progress.low)
  }

  /**
   * Commits in the background what is done, if it is time.
   * @param isQuiet nothing more is being tried
   * @throws what made an earlier commit fail
   */
  commitIfDue(isQuiet: boolean): void {
    if (this.#failure !== null) throw this.#failure.thrown
    if (this.#inFlight !== null || !this.#isDue(isQuiet)) return
    this.#commit()
  }

  /** Of this opening. */
  get commitCount(): number {
    return this.#commitCount
  }

  /** When the next commit is due, ms from now; Infinity: nothing is to be committed. */
  get dueInMs(): number {
    if (this.#inFlight !== null || !this.#isChanged) return Number.POSITIVE_INFINITY
    return Math.max(0, this.#committedAtMs + commitEveryMs - this.#options.clock.monotonic())
  }

  /**
   * Until there may be more records, `session.wake` or the time is over. @throws `task-fenced`
   * where another owner has the partition
   */
  async wait(timeoutMs: number): Promise<void> {
    if ((await this.session.wait(timeoutMs)) !== 'closed' || this.#failure !== null) return
    const { topic, partition } = this.place
    throw new MillraceError('task-fenced', 'the delivery was taken over by another run', {
      at: { topic, partition },
    })
  }

  /** Commits all that is done. @throws what the log throws */
  async finish(): Promise<void> {
    await this.#inFlight
    if (this.#failure === null && this.#isChanged) {
      this.#commit()
      await this.#inFlight
    }
    if (this.#failure !== null) throw this.#failure.thrown
  }

  get #isChanged(): boolean {
    return this.progress.changes !== this.#committedChanges || this.#outputs.recordCount > 0
  }

  #isDue(isQuiet: boolean): boolean {
    const isSoon = isQuiet || this.#outputs.recordCount > 0
    return (isSoon || this.dueInMs <= 0) && this.#isChanged
  }

  #commit(): void {
    const { low, changes } = this.progress
    const state = packState({ runs: this.progress.runs, givenUp: this.#givenUp })
    const appends: AppendBatch[] = this.#outputs.take()
    const isKnown = isSame(state, this.#committedState)
    this.#committedAtMs = this.#options.clock.monotonic()
    const committing = this.session.commit({
      offsets: [low],
      appends,
      // One blob is the whole state, so each is a round of its own.
      changelog: isKnown
        ? null
        : { bytes: new Uint8Array(state), startsRound: true, endsRound: true },
    })
    this.#inFlight = committing.then(
      () => {
        this.#committedChanges = changes
        this.#committedState = state
        this.#inFlight = null
        this.#commitCount += 1
        this.session.wake()
      },
      (thrown: unknown) => {
        this.#failure = { thrown }
        this.#inFlight = null
        this.session.wake()
      },
    )
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
