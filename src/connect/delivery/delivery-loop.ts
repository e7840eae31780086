/**
 * Runs the delivery of one partition of an outbox: opens it, delivers until it fails, and opens it
 * again from the last commit.
 */
import type { Clock } from '../../core/clock.ts'
import { Bell } from '../../engine/bell.ts'
import { Retries } from '../../engine/retries.ts'
import type { Session } from '../../log/log.ts'
import { OutboxSession } from './outbox-session.ts'

/** Failures of the log in a row, without a working opening between, after which the run ends. */
const attemptsMax = 8

/** What delivers, once the partition is open. */
export interface Delivering {
  /** Until `isStopping` is true. */
  run(): Promise<void>
}

export interface DeliveryLoopOptions {
  readonly clock: Clock
  readonly open: () => Promise<Session>
  readonly openOutbox: (session: Session) => Promise<OutboxSession>
  readonly deliver: (
    outbox: OutboxSession,
    run: {
      readonly bell: Bell
      readonly isStopping: () => boolean
      readonly dropped: AbortSignal
    },
  ) => Delivering
  readonly notify: (event: {
    readonly kind: 'retrying'
    readonly error: unknown
    readonly attempt: number
    readonly inMs: number
  }) => void
}

export class DeliveryLoop {
  readonly #options: DeliveryLoopOptions
  readonly #bell = new Bell()
  readonly #dropping = new AbortController()
  readonly #opened = Promise.withResolvers<void>()
  #outbox: OutboxSession | null = null
  #hasOpened = false
  #isStopping = false

  readonly #retries: Retries

  constructor(options: DeliveryLoopOptions) {
    this.#options = options
    const { clock, notify } = options
    this.#retries = new Retries({
      clock,
      bell: this.#bell,
      attemptsMax,
      isStopping: () => this.#isStopping,
      onPause: (error, attempt, inMs) => notify({ kind: 'retrying', error, attempt, inMs }),
    })
  }

  get opened(): Promise<void> {
    return this.#opened.promise
  }

  get hasOpened(): boolean {
    return this.#hasOpened
  }

  /** null: it is not open now. */
  get outbox(): OutboxSession | null {
    return this.#outbox
  }

  stop(): void {
    this.#isStopping = true
    this.#wake()
  }

  drop(): void {
    this.#dropping.abort()
    this.stop()
  }

  /** @throws `task-fenced` · the last of too many failures · what no further try would mend */
  async run(): Promise<void> {
    try {
      while (!this.#isStopping) {
        try {
          await this.#once()
        } catch (thrown) {
          if (!this.#dropping.signal.aborted) await this.#retries.pause(thrown)
        }
      }
    } finally {
      this.#opened.resolve()
    }
  }

  async #once(): Promise<void> {
    const session = await this.#options.open()
    try {
      const outbox = await this.#options.openOutbox(session)
      this.#outbox = outbox
      this.#hasOpened = true
      this.#opened.resolve()
      try {
        await this.#options
          .deliver(outbox, {
            bell: this.#bell,
            isStopping: () => this.#isStopping,
            dropped: this.#dropping.signal,
          })
          .run()
      } finally {
        if (outbox.commitCount > 0) this.#retries.succeeded()
      }
    } finally {
      this.#outbox = null
      await session.close()
    }
  }

  #wake(): void {
    this.#outbox?.session.wake()
    this.#bell.ring()
  }
}
