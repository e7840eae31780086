/**
 * What a task tells those behind its repartition topics of its event time: marks in every
 * partition, behind the records of the same commit (read by repartition-cursor.ts).
 */
import { ValueWriter } from '../core/value-codec.ts'
import type { Outputs } from './outputs.ts'
import { encodeMark } from './repartition-cursor.ts'
import type { Watermark } from './watermark.ts'

export interface MarkerOptions {
  /** Number of the task among those that write to the topics. */
  readonly index: number
  readonly topics: readonly string[]
  readonly watermark: Watermark
  readonly outputs: Outputs
  /** Least watermark at which a step has something to do; Infinity when none. */
  readonly eventDueMs: () => number
}

interface Mark {
  readonly watermarkMs: number
  readonly idle: boolean
}

export class Marker {
  readonly #options: MarkerOptions
  readonly #writer = new ValueWriter(64)
  #sent: Mark = { watermarkMs: Number.NEGATIVE_INFINITY, idle: false }

  constructor(options: MarkerOptions) {
    this.#options = options
  }

  /** Whether those behind do not know yet how things stand. */
  get isDue(): boolean {
    return this.#options.topics.length > 0 && this.#due() !== null
  }

  /** Adds the marks that are due to the outputs. Between records only. */
  add(): void {
    const { topics, outputs, index } = this.#options
    const due = topics.length === 0 ? null : this.#due()
    if (due === null) return
    outputs.begin()
    const value = encodeMark(this.#writer, { task: index, ...due })
    const timeMs = Math.max(due.watermarkMs, 0)
    for (const topic of topics) {
      const count = outputs.partitionCount(topic)
      for (let partition = 0; partition < count; partition++) {
        outputs.add(topic, partition, { key: null, value, timeMs })
      }
    }
    this.#sent = due
  }

  /**
   * The mark to send; null when the last one still says it all. A task with windows yet to close is
   * not idle: those behind it wait for their results, which would be late for them else.
   */
  #due(): Mark | null {
    const { watermark, outputs, eventDueMs } = this.#options
    const isQuiet = watermark.inputs.every((input) => input.idle)
    const idle = isQuiet && eventDueMs() === Number.POSITIVE_INFINITY
    const watermarkMs = watermark.currentMs
    // While idle, those behind move on at the clock's pace by themselves: one mark says so, and one
    // behind later records.
    const hasMoved = !isQuiet && watermarkMs !== this.#sent.watermarkMs
    const again = idle && outputs.recordCount > 0
    return hasMoved || again || idle !== this.#sent.idle ? { watermarkMs, idle } : null
  }
}
