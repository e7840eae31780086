/**
 * What a task tells those behind its repartition topics of its event time: marks in every
 * partition, behind the records of the same commit (read by repartition-cursor.ts).
 */
import { ValueWriter } from '../core/value-codec.ts'
import type { Outputs } from './outputs.ts'
import { encodeMark } from './repartition-cursor.ts'
import type { TimeDomain } from './time-domains.ts'
import type { Watermark } from './watermark.ts'

export interface MarkerOptions {
  /** Number of the task among those that write to the topics. */
  readonly index: number
  /** Each with the event time of the step that writes it. */
  readonly topics: readonly { readonly topic: string; readonly time: TimeDomain }[]
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
  /** What was said last, one for each topic. */
  readonly #sent: Mark[]

  constructor(options: MarkerOptions) {
    this.#options = options
    this.#sent = options.topics.map(() => ({ watermarkMs: Number.NEGATIVE_INFINITY, idle: false }))
  }

  /** Whether those behind do not know yet how things stand. */
  get isDue(): boolean {
    const { topics, outputs } = this.#options
    if (topics.length === 0) return false
    const state = this.#state()
    return topics.some((_, i) => this.#due(i, state, outputs.recordCount > 0) !== null)
  }

  /** Adds the marks that are due to the outputs. Between records only. */
  add(): void {
    const { topics, outputs, index } = this.#options
    if (topics.length === 0) return
    const state = this.#state()
    const hasRecords = outputs.recordCount > 0
    outputs.begin()
    for (const [i, { topic }] of topics.entries()) {
      const due = this.#due(i, state, hasRecords)
      if (due === null) continue
      const value = encodeMark(this.#writer, { task: index, ...due })
      const timeMs = Math.max(due.watermarkMs, 0)
      const count = outputs.partitionCount(topic)
      for (let partition = 0; partition < count; partition++) {
        outputs.add(topic, partition, { key: null, value, timeMs })
      }
      this.#sent[i] = due
    }
  }

  /**
   * A task with windows yet to close is not idle: those behind it wait for their results, which
   * would be late for them else.
   */
  #state(): { isQuiet: boolean; idle: boolean } {
    const { watermark, eventDueMs } = this.#options
    const isQuiet = watermark.inputs.every((input) => input.idle)
    return { isQuiet, idle: isQuiet && eventDueMs() === Number.POSITIVE_INFINITY }
  }

  /** The mark to send; null when the last one still says it all. */
  #due(i: number, state: { isQuiet: boolean; idle: boolean }, hasRecords: boolean): Mark | null {
    const { isQuiet, idle } = state
    const sent = this.#sent[i] as Mark
    const watermarkMs = (this.#options.topics[i] as { time: TimeDomain }).time.watermarkMs
    // While idle, those behind move on at the clock's pace by themselves: one mark says so, and one
    // behind later records.
    const hasMoved = !isQuiet && watermarkMs !== sent.watermarkMs
    const again = idle && hasRecords
    return hasMoved || again || idle !== sent.idle ? { watermarkMs, idle } : null
  }
}
