/**
 * Delivers one partition of an outbox to a sink that takes each record exactly once: in the order
 * of the offsets, one write at a time, each with the position behind it. What was written is for
 * the sink to say, not for the log: a destination that went back in time is given again what it
 * lacks.
 */
import { assert } from '../../core/assert.ts'
import { MillraceError } from '../../core/error.ts'
import type { Reader, TopicPartition } from '../../log/log.ts'
import type { RecordBatch } from '../../log/batch.ts'
import type { SinkPartition, SinkRecord, TransactionalConnection } from '../sink.ts'
import { askedPauseMs, backoffMs } from './backoff.ts'
import type { DeliveryParts } from './delivery-parts.ts'
import type { Outcome, TryOptions } from './destination.ts'
import { decodeOne, holdRecord, idOf } from './held-record.ts'
import type { HeldRecord } from './held-record.ts'

/** Of records that are read and not written. */
const heldBytesMax = 8 << 20
const waitMsMax = 60_000

export interface TransactionalParts extends DeliveryParts<TransactionalConnection> {
  /** A reader of the outbox's partition, from an offset that the session has passed. */
  readonly openReader: (offset: number) => Promise<Reader>
  /** Where the outbox's partition ends. */
  readonly endOffset: () => Promise<number>
}

export class TransactionalDelivery {
  readonly #parts: TransactionalParts
  /** In order of offset. */
  #held: HeldRecord[] = []
  #heldBytes = 0
  /** Behind the last record that was read. */
  #readTo = 0
  /** Taken over, on the connection that it belongs to. */
  #taken: { readonly by: TransactionalConnection; readonly partition: SinkPartition } | null = null
  #attempts = 0
  #failures = 0
  /** Several failed together: until they are through, each is written by itself. */
  #splitTo = -1
  /** Waits until the destination may be tried. */
  #isBlocked = false
  /** A record was given up since the last commit that was waited for. */
  #hasLetters = false
  readonly #ending = new AbortController()

  constructor(parts: TransactionalParts) {
    this.#parts = parts
  }

  /** Until `isStopping`. @throws what the log throws · what no further try would mend */
  async run(): Promise<void> {
    const { destination, bell, dropped, outbox, isStopping } = this.#parts
    const unlisten = destination.onFree(() => {
      if (this.#isBlocked) bell.ring()
    })
    const onDropped = (): void => this.#ending.abort()
    dropped.addEventListener('abort', onDropped)
    try {
      await this.#begin()
      while (!isStopping()) {
        this.#fill()
        if (this.#held.length > 0) await this.#write()
        outbox.commitIfDue(this.#held.length === 0)
        if (this.#held.length === 0) await outbox.wait(Math.min(outbox.dueInMs, waitMsMax))
      }
      if (!dropped.aborted) await outbox.finish()
    } finally {
      this.#ending.abort()
      unlisten()
      dropped.removeEventListener('abort', onDropped)
    }
  }

  /**
   * Finds out what the destination has, before anything is read: it may be behind what was
   * committed as delivered, where it was restored from a copy.
   */
  async #begin(): Promise<void> {
    const { outbox, isStopping } = this.#parts
    while (this.#taken === null && !isStopping()) await this.#take()
    const start = outbox.session.offsets[0] ?? 0
    const position = this.#taken?.partition.position ?? 0
    const endOffset = await this.#parts.endOffset()
    if (position > endOffset) throw beyond(outbox.place, position, endOffset)
    this.#readTo = position
    if (position < start) await this.#catchUp(position, start)
  }

  /** One try to take the partition over. What the destination has already is not written again. */
  async #take(): Promise<void> {
    const { outbox, destination } = this.#parts
    await this.#try(0, async (connection, attempt) => {
      const place = { ...outbox.place, epoch: outbox.session.epoch }
      this.#taken = { by: connection, partition: await connection.take(place, attempt) }
    })
    const position = this.#taken?.partition.position ?? 0
    const written = this.#held.findIndex(({ pending }) => pending.offset >= position)
    const count = written < 0 ? this.#held.length : written
    // Written by a try of which nobody knew how it had ended.
    if (this.#taken !== null && count > 0) {
      destination.countDelivered(count)
      this.#written(count)
    }
  }

  /** Gives again what was delivered once, as far as the outbox still has it. */
  async #catchUp(from: number, to: number): Promise<void> {
    const { openReader, isStopping } = this.#parts
    const reader = await openReader(from)
    try {
      while (this.#readTo < to && !isStopping()) {
        const batch = reader.poll(0)
        if (batch === null) {
          if (reader.endOffset(0) <= this.#readTo) break
          await reader.wait(waitMsMax)
          continue
        }
        this.#hold(batch, to)
        while (this.#held.length > 0 && !isStopping()) await this.#write()
      }
    } finally {
      await reader.close()
    }
  }

  #fill(): void {
    const { outbox } = this.#parts
    while (this.#heldBytes < heldBytesMax) {
      const batch = outbox.poll()
      if (batch === null) return
      this.#hold(batch, Number.POSITIVE_INFINITY)
    }
  }

  #hold(batch: RecordBatch, before: number): void {
    const { outbox } = this.#parts
    const { progress } = outbox
    const position = this.#taken?.partition.position ?? 0
    for (let i = batch.first; i < batch.count && batch.offset(i) < before; i++) {
      const offset = batch.offset(i)
      const isAgain = offset < progress.position
      if (isAgain && outbox.isGivenUp(offset)) continue
      // What was committed as done before is read again only because the destination lacks it.
      const pending = isAgain ? { offset, isDone: true } : progress.read(offset)
      if (pending === null) continue
      if (offset < position) {
        if (!pending.isDone) progress.done(pending)
        continue
      }
      const held = holdRecord(batch, i, { pending, order: 'partition' })
      this.#held.push(held)
      this.#heldBytes += held.bytes
    }
    this.#readTo = Math.min(before, batch.nextOffset)
    if (batch.nextOffset <= before) progress.moveTo(batch.nextOffset)
  }

  /** One try at the next records. */
  async #write(): Promise<void> {
    const { spec, destination } = this.#parts
    if (this.#taken === null) return await this.#take()
    // A letter that is not committed would be lost with a position beyond its record.
    if (this.#hasLetters) await this.#parts.outbox.finish()
    this.#hasLetters = false
    const isSplit = (this.#held[0]?.pending.offset ?? 0) <= this.#splitTo
    const records = this.#decoded(isSplit ? 1 : spec.batch)
    if (records === null) return
    const nextOffset = (records.at(-1)?.offset ?? 0) + 1
    let isWritten = false
    const outcome = await this.#try(records.length, async (connection, attempt) => {
      // Another partition's failure may have brought about another connection.
      if (this.#taken?.by !== connection) return
      await this.#taken.partition.write(records, nextOffset, attempt)
      isWritten = true
    })
    if (outcome.kind === 'dropped') return
    if (outcome.kind === 'delivered') {
      if (!isWritten) {
        this.#taken = null
        return
      }
      destination.countDelivered(records.length)
      return this.#written(records.length)
    }
    await this.#failed(outcome, records.length, nextOffset)
  }

  /** The next records; null: the first of them does not decode, and was given up. */
  #decoded(recordsMax: number): SinkRecord[] | null {
    const records: SinkRecord[] = []
    for (const held of this.#held.slice(0, recordsMax)) {
      const record = decodeOne(held, this.#parts.codec)
      if (record instanceof MillraceError) {
        if (records.length > 0) break // those before it first
        this.#giveUp(record)
        return null
      }
      records.push(record)
    }
    return records
  }

  async #failed(
    outcome: Exclude<Outcome, { kind: 'delivered' | 'dropped' }>,
    recordCount: number,
    nextOffset: number,
  ): Promise<void> {
    const { spec, clock, random, bell } = this.#parts
    if (outcome.counts) this.#failures += 1
    const isLast = outcome.kind === 'refused' || this.#failures > spec.retries
    if (isLast && outcome.counts) {
      if (recordCount > 1) {
        this.#splitTo = nextOffset - 1
        this.#failures = outcome.kind === 'refused' ? 0 : spec.retries
        return
      }
      return this.#giveUp(outcome.error)
    }
    if (!outcome.counts) return
    const options = { random, firstMs: spec.backoffMs, mostMs: spec.backoffMsMax }
    const pauseMs = Math.max(backoffMs(this.#failures - 1, options), askedPauseMs(outcome.error))
    const endMs = clock.monotonic() + pauseMs
    while (!this.#parts.isStopping() && clock.monotonic() < endMs) {
      await bell.wait(clock, endMs - clock.monotonic())
    }
  }

  #written(recordCount: number): void {
    const { progress } = this.#parts.outbox
    for (const { pending } of this.#held.slice(0, recordCount))
      if (!pending.isDone) progress.done(pending)
    this.#through(recordCount)
  }

  #giveUp(error: MillraceError): void {
    const [first] = this.#held
    assert(first !== undefined, () => 'there is no record to give up')
    this.#parts.outbox.dead(first, error)
    this.#hasLetters = true
    this.#parts.destination.countDead()
    this.#parts.onDead(idOf(first.origin), error)
    this.#through(1)
  }

  /** The first of those held are done. */
  #through(recordCount: number): void {
    for (const { bytes } of this.#held.splice(0, recordCount)) this.#heldBytes -= bytes
    this.#attempts = 0
    this.#failures = 0
  }

  /** Waits until the destination may be tried, and tries. */
  async #try(
    recordCount: number,
    work: TryOptions<TransactionalConnection>['work'],
  ): Promise<Outcome> {
    const { destination, bell, clock, isStopping, outbox } = this.#parts
    for (let { waitMs } = destination; waitMs > 0; { waitMs } = destination) {
      outbox.commitIfDue(true)
      if (isStopping()) return { kind: 'dropped' }
      this.#isBlocked = true
      await bell.wait(clock, Math.min(waitMs, waitMsMax))
      this.#isBlocked = false
    }
    this.#attempts += 1
    const outcome = await destination.try({
      what: this,
      recordCount,
      number: this.#attempts,
      dropped: this.#ending.signal,
      work,
    })
    // Whether it was written is for the destination to say.
    if (outcome.kind !== 'delivered') this.#taken = null
    return outcome
  }
}

/** Records up to it would be passed over in silence. */
function beyond(place: TopicPartition, position: number, endOffset: number): MillraceError {
  return new MillraceError(
    'offset-out-of-range',
    `the destination is at ${position} of an outbox that ends at ${endOffset}`,
    {
      at: place,
      hint: 'it belongs to another log: give the sink another name, or empty the destination',
    },
  )
}
