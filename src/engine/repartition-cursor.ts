/**
 * The reading end of one partition of a repartition topic. Besides records it holds marks by which
 * each task of the part before says how far its watermark has come and whether it is idle; this
 * input has reached the least of them (as Flink's watermarks in its channels, one for each upstream
 * task). So windows behind a repartition close for the same records as without one.
 */
import { MillraceError } from '../core/error.ts'
import type { Key } from '../core/key.ts'
import { ValueReader, ValueWriter } from '../core/value-codec.ts'
import type { RecordBatch } from '../log/batch.ts'
import type { Session, TopicPartition } from '../log/log.ts'
import type { Cursor, WatermarkMark } from './cursor.ts'
import type { Origin } from './letters.ts'
import { jsonText } from './letters.ts'
import type { Push } from './operators/operator.ts'
import type { InputClock } from './watermark.ts'

/** A mark as the value of a record without key. */
export function encodeMark(writer: ValueWriter, mark: WatermarkMark): Uint8Array {
  writer.reset()
  writer.writeUint(mark.task)
  writer.writeFloat64(mark.watermarkMs)
  writer.writeUint(mark.idle ? 1 : 0)
  return writer.bytes()
}

function decodeMark(bytes: Uint8Array): WatermarkMark {
  const reader = new ValueReader(bytes)
  return {
    task: reader.readUint(),
    watermarkMs: reader.readFloat64(),
    idle: reader.readUint() === 1,
  }
}

export interface RepartitionCursorOptions {
  readonly input: number
  readonly place: TopicPartition
  readonly session: Session
  readonly clock: InputClock
  readonly entry: Push
  readonly step: string
  /** How many tasks write to the topic. */
  readonly upstreamTasks: number
  /** Topic under whose name letters for records of this input are kept. */
  readonly homeTopic: string
  /** A mark was read: the task's watermark may move. */
  readonly onMark: (clock: InputClock) => void
}

export class RepartitionCursor implements Cursor {
  readonly input: number
  readonly place: TopicPartition
  readonly clock: InputClock
  readonly entry: Push
  readonly step: string
  position: number
  ready = false
  value: unknown = undefined
  key: Key | null = null
  timeMs = 0
  /** Last mark of each upstream task; kept in the task's state. */
  readonly marks: (WatermarkMark | null)[]
  readonly isGlobal = false
  readonly isPending = false
  readonly isBounded = false
  readonly keyClock = null
  readonly #options: RepartitionCursorOptions
  /** Kept: it remembers the names of properties. */
  readonly #reader = new ValueReader(new Uint8Array(0))
  #batch: RecordBatch | null = null
  #at = 0

  constructor(options: RepartitionCursorOptions) {
    this.input = options.input
    this.place = options.place
    this.clock = options.clock
    this.entry = options.entry
    this.step = options.step
    this.position = options.session.offsets[options.input] ?? 0
    this.marks = Array.from({ length: options.upstreamTasks }, () => null)
    this.#options = options
  }

  pull(): boolean {
    while (!this.ready) {
      const batch = this.#batch
      if (batch === null || this.#at >= batch.count) {
        if (!this.#nextBatch()) return false
        continue
      }
      const bytes = batch.value(this.#at)
      if (bytes === null)
        throw new MillraceError('state-corrupt', 'a repartition record has no value', {
          at: this.#where(),
        })
      if (batch.keyIsNull(this.#at)) {
        this.pass()
        this.take(decodeMark(bytes))
        continue
      }
      const reader = this.#reader
      reader.reset(bytes)
      this.key = reader.readValue() as Key
      this.value = reader.readValue()
      this.timeMs = batch.time(this.#at)
      this.ready = true
    }
    return true
  }

  pass(): void {
    const batch = this.#batch as RecordBatch
    this.#at += 1
    this.position = this.#at < batch.count ? batch.offset(this.#at) : batch.nextOffset
    this.ready = false
  }

  /** Event time comes by marks. */
  reachedMs(): number {
    return Number.NEGATIVE_INFINITY
  }

  /** Takes one mark: also used when marks are restored. */
  take(mark: WatermarkMark): void {
    // Fewer tasks than when it was written: its records are before it.
    if (mark.task >= this.marks.length) return
    this.marks[mark.task] = mark
    let least = Number.POSITIVE_INFINITY
    let leastIdle = Number.POSITIVE_INFINITY
    let active = 0
    for (const each of this.marks) {
      if (each === null) return // a task that has not spoken yet holds the input back
      if (!each.idle) {
        active += 1
        least = Math.min(least, each.watermarkMs)
      } else if (each.watermarkMs > Number.NEGATIVE_INFINITY) {
        leastIdle = Math.min(leastIdle, each.watermarkMs)
      }
    }
    this.clock.idle = false
    // All have fallen idle: event time stands where they left it, and came so far before.
    if (active === 0 && leastIdle < Number.POSITIVE_INFINITY) {
      this.clock.reach(leastIdle)
      this.#options.onMark(this.clock)
    }
    this.clock.idle = active === 0
    if (active > 0) this.clock.reach(least)
    this.#options.onMark(this.clock)
  }

  origin(): Origin {
    const batch = this.#batch as RecordBatch
    return {
      topic: this.#options.homeTopic,
      partition: this.place.partition,
      offset: -1, // of the home topic, which this record only comes from
      key: batch.key(this.#at),
      value: Buffer.from(jsonText(this.value)), // the original bytes stayed in the part before
      timeMs: batch.time(this.#at),
      headers: batch.headers(this.#at),
      passage: {
        place: { ...this.place, offset: this.position },
        bytes: batch.value(this.#at) as Uint8Array,
      },
      form: 'json',
    }
  }

  #nextBatch(): boolean {
    const { session } = this.#options
    if (this.#batch !== null) session.release?.(this.#batch)
    const batch = session.poll(this.input)
    this.#batch = batch
    if (batch === null) return false
    this.#at = batch.first
    this.position = this.#at < batch.count ? batch.offset(this.#at) : batch.nextOffset
    return true
  }

  #where(): { topic: string; partition: number; offset: number } {
    return { ...this.place, offset: this.position }
  }
}
