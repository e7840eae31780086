/**
 * The reading end of one input partition: holds one batch and the next record of it, decoded. What
 * does not decode or validate goes to the dead letters on the way.
 */
import { MillraceError } from '../core/error.ts'
import { DecodePending, textDecoder } from '../core/codec.ts'
import type { RangeDecoder } from '../core/codec.ts'
import { encodeKey } from '../core/key.ts'
import type { Key } from '../core/key.ts'
import { validator } from '../core/schema.ts'
import type { RecordBatch } from '../log/batch.ts'
import type { Session, TopicPartition } from '../log/log.ts'
import { partitionOfText } from '../log/partitioner.ts'
import type { TopicSpec } from '../pipeline/node.ts'
import { addressMark, isForOther } from '../pipeline/replay-headers.ts'
import { DecodeAhead } from './decode-ahead.ts'
import { KeyClock } from './key-clock.ts'
import type { Origin } from './letters.ts'
import type { Push } from './operators/operator.ts'
import type { InputClock } from './watermark.ts'

/** A Date's largest, 275760-09-13: beyond it ms and windows lose their exactness. */
const timeMsMax = 8.64e15

/** What a task says of its event time in a repartition topic. */
export interface WatermarkMark {
  readonly task: number
  readonly watermarkMs: number
  readonly idle: boolean
}

/** What the task does when a record cannot be read. */
export interface CursorDuties {
  unreadable(origin: Origin, thrown: unknown, step: string): void
  /** A record that could not be decoded yet can be tried again. */
  wake(): void
}

export interface Cursor {
  readonly input: number
  readonly place: TopicPartition
  readonly clock: InputClock
  /** Where the record goes. */
  readonly entry: Push
  /** Name of the source step. */
  readonly step: string
  /** Offset of the next record to process. */
  readonly position: number
  /** Whether `value`, `key` and `timeMs` hold the record at `position`. */
  readonly ready: boolean
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
  /**
   * Repartition topics: the last mark of each task that writes there; null where event time comes
   * from the records.
   */
  readonly marks: (WatermarkMark | null)[] | null
  /** A record is at hand that cannot be decoded yet: its codec waits for something from outside. */
  readonly isPending: boolean
  /** Makes a record ready if one is at hand. @returns `ready` */
  pull(): boolean
  /** The record in hand is processed: on to the next. */
  pass(): void
  /** Whether event time follows from the record's time by the bound alone: for speed. */
  readonly isBounded: boolean
  /** Event time as the keys of the input have it; null where they have none of their own. */
  readonly keyClock: KeyClock | null
  /**
   * Event time that the input vouches for with the record in hand; −Infinity: none. To be asked
   * once for each record.
   */
  reachedMs(): number
  /** Of a global table: read before all others, and outside of event time. */
  readonly isGlobal: boolean
  /** The record in hand as it lies in the log. */
  origin(): Origin
}

export interface TopicCursorOptions {
  readonly input: number
  readonly place: TopicPartition
  readonly session: Session
  readonly spec: TopicSpec
  readonly clock: InputClock
  readonly entry: Push
  readonly step: string
  readonly duties: CursorDuties
  /**
   * Partitions of the topic where each is read by a task of its own: then the key that the topic's
   * function gives must be the one by which the record was partitioned. null: one task reads all.
   */
  readonly partitionedBy: number | null
  readonly isGlobal: boolean
  /** A record whose value is null deletes a row: it has its own key, and no value to check. */
  readonly isTable: boolean
}

/** Reads a topic of the user's. */
export class TopicCursor implements Cursor {
  readonly input: number
  readonly place: TopicPartition
  readonly clock: InputClock
  readonly entry: Push
  readonly step: string
  position: number
  ready = false
  isPending = false
  value: unknown = undefined
  key: Key | null = null
  timeMs = 0
  readonly marks = null
  readonly isBounded: boolean
  readonly keyClock: KeyClock | null
  readonly #says: ((value: unknown) => Date | number | null) | null
  /** What the record in hand says of event time; −Infinity: nothing. */
  #saysMs: number = Number.NEGATIVE_INFINITY
  readonly isGlobal: boolean
  readonly #session: Session
  readonly #pipeline: string
  readonly #spec: TopicSpec
  readonly #duties: CursorDuties
  readonly #validate: ((value: unknown) => unknown) | null
  readonly #keyOf: ((value: unknown) => Key | null) | null
  readonly #partitionedBy: number | null
  readonly #isTable: boolean
  #isTombstone = false
  #batch: RecordBatch | null = null
  #at = 0
  /** Some record of the block is for one pipeline alone: a letter that is replayed. */
  #isAddressed = false
  #decodeKey: RangeDecoder<string> | null = null
  readonly #values: DecodeAhead

  constructor(options: TopicCursorOptions) {
    const { spec, session, input, place } = options
    this.input = input
    this.place = place
    this.clock = options.clock
    this.entry = options.entry
    this.step = options.step
    this.isGlobal = options.isGlobal
    this.position = session.offsets[input] ?? 0
    this.#session = session
    this.#pipeline = session.spec.pipeline
    this.#values = new DecodeAhead(spec.codec)
    this.#spec = spec
    this.#duties = options.duties
    this.#validate = spec.schema === null ? null : validator(spec.schema, { topic: spec.name })
    const { watermark } = spec
    this.#says = watermark.kind === 'from-data' ? watermark.fn : null
    this.keyClock = watermark.kind === 'per-key' ? new KeyClock(watermark.idleAfterMs) : null
    this.#isTable = options.isTable
    this.isBounded = watermark.kind === 'bounded' && !options.isTable
    this.#keyOf = typeof spec.key === 'function' ? spec.key : null
    this.#partitionedBy = options.partitionedBy
  }

  pull(): boolean {
    while (!this.ready && !this.isPending) {
      const batch = this.#batch
      if (batch === null || this.#at >= batch.count) {
        if (!this.#nextBatch()) return false
        continue
      }
      if (this.#isAddressed && isForOther(batch.headers(this.#at), this.#pipeline)) {
        this.pass()
        continue
      }
      try {
        this.#decode(batch, this.#at)
        this.ready = true
      } catch (thrown) {
        if (thrown instanceof DecodePending) {
          this.#await(thrown.ready)
          return false
        }
        if (isFatal(thrown)) throw thrown
        this.#duties.unreadable(this.origin(), thrown, this.step)
        this.pass()
      }
    }
    return this.ready
  }

  #await(ready: Promise<void>): void {
    this.isPending = true
    const again = (): void => {
      this.isPending = false
      this.#duties.wake()
    }
    ready.then(again, again) // what failed shows when the record is decoded again
  }

  pass(): void {
    const batch = this.#batch as RecordBatch
    this.#at += 1
    this.position = this.#at < batch.count ? batch.offset(this.#at) : batch.nextOffset
    this.ready = false
  }

  reachedMs(): number {
    const { outOfOrderMs } = this.#spec
    if (this.#isTombstone) return Number.NEGATIVE_INFINITY
    if (this.keyClock !== null) return this.keyClock.observe(this.key, this.timeMs) - outOfOrderMs
    return this.#says === null ? this.timeMs - outOfOrderMs : this.#saysMs
  }

  origin(): Origin {
    const batch = this.#batch as RecordBatch
    const i = this.#at
    return {
      topic: this.place.topic,
      partition: this.place.partition,
      offset: batch.offset(i),
      key: batch.key(i),
      value: batch.value(i),
      timeMs: batch.time(i),
      headers: batch.headers(i),
      form: 'raw',
    }
  }

  #nextBatch(): boolean {
    if (this.#batch !== null) this.#session.release?.(this.#batch)
    const batch = this.#session.poll(this.input)
    this.#batch = batch
    if (batch === null) return false
    this.#at = batch.first
    this.#isAddressed = batch.headersHold(addressMark)
    this.#values.begin(batch)
    this.position = this.#at < batch.count ? batch.offset(this.#at) : batch.nextOffset
    this.#decodeKey = textDecoder(batch.bytes, batch.keysStart, batch.valuesStart)
    return true
  }

  #decode(batch: RecordBatch, i: number): void {
    const spec = this.#spec
    this.#isTombstone = this.#isTable && batch.valueIsNull(i)
    if (this.#isTombstone) {
      this.#takeTombstone(batch, i)
      return
    }
    let value = this.#values.value(i)
    if (this.#validate !== null) value = this.#validate(value)
    this.value = value
    if (this.#keyOf !== null) {
      this.key = this.#keyOf(value)
      if (this.#partitionedBy !== null) this.#checkPartition(this.#partitionedBy, batch.offset(i))
    } else
      this.key = batch.keyIsNull(i)
        ? null
        : (this.#decodeKey as RangeDecoder<string>)(batch.keyStart(i), batch.keyEnd(i))
    const time = spec.time === null ? batch.time(i) : Math.floor(Number(spec.time(value)))
    if (!(Math.abs(time) <= timeMsMax)) {
      throw new MillraceError('validation-failed', `the event time is ${String(time)}`, {
        hint: "the topic's time function must give a valid Date, or ms that fit one",
      })
    }
    this.timeMs = time
    if (this.#says !== null) this.#saysMs = this.#said(this.#says(value))
  }

  /**
   * Nothing tells its event time where that comes from values: it is the record's time, but not
   * ahead of what has been read. It does not move event time.
   */
  #takeTombstone(batch: RecordBatch, i: number): void {
    this.value = null
    this.key = batch.keyIsNull(i)
      ? null
      : (this.#decodeKey as RangeDecoder<string>)(batch.keyStart(i), batch.keyEnd(i))
    const latestMs = this.clock.reachedMs + this.#spec.outOfOrderMs
    const isKnown = this.#spec.time !== null && Number.isFinite(latestMs)
    this.timeMs = isKnown ? Math.min(latestMs, batch.time(i)) : batch.time(i)
  }

  #said(given: Date | number | null): number {
    if (given === null || given === undefined) return Number.NEGATIVE_INFINITY
    const time = Math.floor(Number(given))
    if (Math.abs(time) <= timeMsMax) return time
    throw new MillraceError('validation-failed', `the watermark is ${String(given)}`, {
      hint: "the topic's watermark function must give a valid Date, ms that fit one, or null",
    })
  }

  /** Records of one key that lie in several partitions would be grouped apart in silence. */
  #checkPartition(partitions: number, offset: number): void {
    if (this.key === null) return
    const key = encodeKey(this.key)
    const partition = partitionOfText(key, partitions)
    if (partition === this.place.partition) return
    throw new MillraceError(
      'wrong-partition',
      `the record with key ${JSON.stringify(key)} belongs in partition ${partition}`,
      {
        at: { ...this.place, offset, step: this.step },
        hint:
          'its producer did not partition by this key: use keyBy() in place of the key function ' +
          "of the topic, or tasks: 'one'",
      },
    )
  }
}

/** Faults of the declaration that each record would show again, and of what is away for now. */
const fatalCodes: ReadonlySet<string> = new Set([
  'wrong-partition',
  'invalid-schema',
  'registry-failed',
])

/** Not the fault of one record. */
function isFatal(thrown: unknown): boolean {
  return (
    thrown instanceof MillraceError && (thrown.blame === 'engine' || fatalCodes.has(thrown.code))
  )
}
