/**
 * Delivers one partition of an outbox to a sink that takes each record at least once: those of one
 * key in order, those of others beside them.
 */
import type { Codec } from '../../core/codec.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import type { SinkConnection, SinkRecord } from '../sink.ts'
import { askedPauseMs, backoffMs } from './backoff.ts'
import type { DeliveryParts } from './delivery-parts.ts'
import type { Outcome } from './destination.ts'
import { decodeOne, holdRecord, idOf } from './held-record.ts'
import type { HeldRecord } from './held-record.ts'
import { Lanes } from './lanes.ts'
import type { Parcel } from './lanes.ts'

/** Of records that are read and not done. [D4] */
const heldBytesMax = 8 << 20
/**
 * Records from the first that is not done to the last that was read: what a restart has to skip.
 */
const spanMax = 10_000
/** How long `stop` waits for tries under way, before it ends them. */
const stopMsMax = 5_000
/** Waits are cut to this, so that a clock that jumps is noticed. */
const waitMsMax = 60_000

/** Records that are tried together until they are done. */
interface Load {
  readonly parcel: Parcel<HeldRecord>
  /** Of any kind: the number of the next is one more. */
  attempts: number
  /** Failures that count. */
  failures: number
  /** One of them was refused, or all tries are used up: each is tried by itself. */
  isSplit: boolean
  /** Tries of the destination that had succeeded when it last failed; null: it has not failed. */
  successesBefore: number | null
  /** Monotonic. */
  dueMs: number
}

export class KeyedDelivery {
  readonly #parts: DeliveryParts<SinkConnection>
  readonly #lanes = new Lanes<HeldRecord>()
  /** Failed before, in the order in which they were given back. */
  #again: Load[] = []
  /** The try before was of records that had failed before. */
  #wasAgain = false
  #heldBytes = 0
  #inFlight = 0
  /** What could be tried waits until the destination may be. */
  #isBlocked = false
  #failure: { readonly thrown: unknown } | null = null
  /** Ends the tries under way. */
  readonly #ending = new AbortController()

  constructor(parts: DeliveryParts<SinkConnection>) {
    this.#parts = parts
  }

  /** Until `isStopping`. @throws what the log throws · what no further try would mend */
  async run(): Promise<void> {
    const { destination, bell, dropped, outbox } = this.#parts
    const ring = (): void => {
      outbox.session.wake()
      bell.ring()
    }
    const unlisten = destination.onFree(() => {
      if (this.#isBlocked) ring()
    })
    const onDropped = (): void => this.#ending.abort()
    dropped.addEventListener('abort', onDropped)
    try {
      while (!this.#parts.isStopping()) {
        this.#fill()
        const startMs = this.#start()
        outbox.commitIfDue(this.#inFlight === 0 && this.#again.length === 0)
        if (this.#failure !== null) throw this.#failure.thrown
        await this.#wait(Math.min(startMs, outbox.dueInMs, waitMsMax))
      }
      if (dropped.aborted) return
      await this.#settle()
      if (this.#failure !== null) throw this.#failure.thrown
      await outbox.finish()
    } finally {
      this.#ending.abort()
      while (this.#inFlight > 0) await bell.wait(this.#parts.clock, stopMsMax)
      unlisten()
      dropped.removeEventListener('abort', onDropped)
    }
  }

  /** Takes what is at hand, as far as there is room. */
  #fill(): void {
    const { outbox, spec } = this.#parts
    const { progress } = outbox
    while (this.#hasRoom) {
      const batch = outbox.poll()
      if (batch === null) return
      for (let i = batch.first; i < batch.count; i++) {
        const pending = progress.read(batch.offset(i))
        if (pending === null) continue // done before a restart
        const held = holdRecord(batch, i, { pending, order: spec.order })
        this.#heldBytes += held.bytes
        this.#lanes.add(held)
      }
      progress.moveTo(batch.nextOffset)
    }
  }

  get #hasRoom(): boolean {
    return this.#heldBytes < heldBytesMax && this.#parts.outbox.progress.span < spanMax
  }

  /** Begins tries as far as that is allowed. @returns when to look again, ms from now */
  #start(): number {
    const { destination, clock, spec } = this.#parts
    for (;;) {
      const nowMs = clock.monotonic()
      const load = this.#nextAgain(nowMs)
      if (load === null && !this.#lanes.hasReady) {
        return Math.min(...this.#again.map(({ dueMs }) => dueMs - nowMs), Number.POSITIVE_INFINITY)
      }
      const { waitMs } = destination
      this.#isBlocked = waitMs > 0
      if (waitMs > 0) return waitMs
      if (load !== null) {
        this.#again = this.#again.filter((one) => one !== load)
        this.#wasAgain = true
        this.#try(load)
        continue
      }
      this.#wasAgain = false
      const parcel = this.#lanes.take(spec.batch)
      if (parcel === null) continue
      this.#try({
        parcel,
        attempts: 0,
        failures: 0,
        isSplit: false,
        dueMs: nowMs,
        successesBefore: null,
      })
    }
  }

  /**
   * Of those that failed before and are due, the one that has waited longest; null where others are
   * to have their turn: a few that always fail do not keep them from a destination that is asked
   * but now and then.
   */
  #nextAgain(nowMs: number): Load | null {
    if (this.#wasAgain && this.#lanes.hasReady) return null
    return this.#again.find(({ dueMs }) => dueMs <= nowMs) ?? null
  }

  #try(load: Load): void {
    const { destination, codec } = this.#parts
    const all = load.parcel.records
    const held = load.isSplit ? all.slice(0, 1) : [...all]
    const records = decoded(held, codec)
    // No try would change it.
    if (records instanceof MillraceError)
      return this.#tried(load, held, { kind: 'refused', error: records, counts: true })
    load.attempts += 1
    this.#inFlight += 1
    destination
      .try({
        what: load,
        recordCount: held.length,
        number: load.attempts,
        dropped: this.#ending.signal,
        work: async (connection, attempt) => await connection.deliver(records, attempt),
      })
      .then(
        (outcome) => this.#tried(load, held, outcome),
        (thrown: unknown) => {
          this.#failure ??= { thrown }
        },
      )
      .finally(() => {
        this.#inFlight -= 1
        this.#parts.outbox.session.wake()
        this.#parts.bell.ring()
      })
  }

  #tried(load: Load, held: readonly HeldRecord[], outcome: Outcome): void {
    if (outcome.kind === 'dropped') return
    if (outcome.kind === 'delivered') {
      for (const { pending } of held) this.#parts.outbox.progress.done(pending)
      this.#parts.destination.countDelivered(held.length)
      return this.#done(load, held)
    }
    const counts = outcome.counts || this.#isAboutIt(load, outcome.error)
    load.successesBefore = this.#parts.destination.successCount
    if (counts) load.failures += 1
    const isLast = outcome.kind === 'refused' || load.failures > this.#parts.spec.retries
    if (!isLast || !counts) return this.#later(load, counts, askedPauseMs(outcome.error))
    // Which of them it was only shows when each is tried by itself.
    if (held.length > 1) {
      load.isSplit = true
      load.failures = outcome.kind === 'refused' ? 0 : this.#parts.spec.retries
      return this.#later(load, false)
    }
    this.#giveUp(load, held, outcome.error)
  }

  /**
   * The destination has taken others since this one failed last: it is not away, though it may look
   * so, as where it drops the connection over a record that it does not like. Where it says itself
   * that it takes nothing now, as when it limits the rate, that is about no record.
   */
  #isAboutIt({ successesBefore }: Load, error: MillraceError): boolean {
    if (isCode(error, 'sink-unavailable')) return false
    return successesBefore !== null && this.#parts.destination.successCount > successesBefore
  }

  #giveUp(load: Load, held: readonly HeldRecord[], error: MillraceError): void {
    for (const one of held) {
      this.#parts.outbox.dead(one, error)
      this.#parts.destination.countDead()
      this.#parts.onDead(idOf(one.origin), error)
    }
    this.#done(load, held)
  }

  #done(load: Load, held: readonly HeldRecord[]): void {
    const { parcel } = load
    for (const { bytes } of held) this.#heldBytes -= bytes
    parcel.records = parcel.records.slice(held.length)
    if (parcel.records.length === 0) return this.#lanes.done(parcel)
    load.attempts = 0
    this.#later(load, false)
  }

  #later(load: Load, isPaused: boolean, leastMs = 0): void {
    const { clock, random, spec } = this.#parts
    const options = { random, firstMs: spec.backoffMs, mostMs: spec.backoffMsMax }
    const pauseMs = isPaused ? backoffMs(load.failures - 1, options) : 0
    load.dueMs = clock.monotonic() + Math.max(pauseMs, leastMs)
    this.#again.push(load)
  }

  /** The session wakes for records alone; where none is taken, for the bell. */
  async #wait(timeoutMs: number): Promise<void> {
    const { outbox, bell, clock } = this.#parts
    if (timeoutMs <= 0) return await clock.nextTurn()
    if (this.#hasRoom) await outbox.wait(timeoutMs)
    else await bell.wait(clock, timeoutMs)
  }

  /** Waits for the tries under way, not for ever. */
  async #settle(): Promise<void> {
    const { clock, bell } = this.#parts
    const cancel = clock.after(stopMsMax, () => this.#ending.abort())
    while (this.#inFlight > 0) await bell.wait(clock, stopMsMax)
    cancel()
  }
}

/** @returns the error where one of them does not decode */
function decoded(
  held: readonly HeldRecord[],
  codec: Codec<unknown>,
): readonly SinkRecord[] | MillraceError {
  const records: SinkRecord[] = []
  for (const one of held) {
    const record = decodeOne(one, codec)
    if (record instanceof MillraceError) return record
    records.push(record)
  }
  return records
}
