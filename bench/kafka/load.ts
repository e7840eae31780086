/**
 * Open loop: records are due on a fixed schedule whatever the system does. Appends each millisecond
 * what is due, reads the output as a consumer would (read_committed), and knows of each output
 * record when its input was due.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { BatchBuilder } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { purchase } from '../records.ts'
import { inTopic, partitions } from './pipelines.ts'

const lookEveryMs = 2
/** No output for so long after the last record: it has all come. */
const quietMs = 1_000
const drainMsMax = 30_000

export interface LoadOptions {
  readonly log: Log
  readonly outTopic: string
  readonly perSecond: number
  /** Told of each output record: which input made it, and when it was read. */
  readonly onOutput?: (id: number, nowMs: number) => void
}

export class Load {
  readonly #options: LoadOptions
  /** When record 0 is due. */
  readonly #startMs = performance.now()
  /** Above every id of earlier loads and of what the topic was filled with. */
  readonly #firstId = 1_000_000 + Math.floor(this.#startMs) * 10
  readonly #newest = new Array<number>(partitions).fill(-1)
  readonly #working: Promise<unknown>
  #next = this.#firstId
  #isProducing = true
  #isOver = false
  #outputs = 0

  private constructor(options: LoadOptions, offsets: readonly number[]) {
    this.#options = options
    this.#working = Promise.all([this.#produce(), this.#consume(offsets)])
    this.#working.catch(() => {}) // `stop` tells
  }

  /** Starts producing and reading. The output topic is read from its end. */
  static async start(options: LoadOptions): Promise<Load> {
    const { partitions: found } = await options.log.describeTopic(options.outTopic)
    return new Load(
      options,
      found.map(({ endOffset }) => endOffset),
    )
  }

  /** When a record was due, as `performance.now()` says it. */
  dueMs(id: number): number {
    return this.#startMs + ((id - this.#firstId) * 1000) / this.#options.perSecond
  }

  #dueId(timeMs: number): number {
    return this.#firstId + ((timeMs - this.#startMs) * this.#options.perSecond) / 1000
  }

  /** Resolves when every partition has shown output of a record that was due then or later. */
  async reached(timeMs: number, timeoutMs: number): Promise<void> {
    const id = Math.ceil(this.#dueId(timeMs))
    const endMs = performance.now() + timeoutMs
    while (this.#newest.some((newest) => newest < id)) {
      if (performance.now() > endMs) throw new Error(`no output within ${timeoutMs} ms`)
      await pause(lookEveryMs)
    }
  }

  /** Ends when all that was produced has been acknowledged, and no more output of it comes. */
  async stop(): Promise<void> {
    this.#isProducing = false
    const endMs = performance.now() + drainMsMax
    for (let before = -1; before !== this.#outputs && performance.now() < endMs;) {
      before = this.#outputs
      await pause(quietMs)
    }
    this.#isOver = true
    await this.#working
  }

  async #produce(): Promise<void> {
    const { log } = this.#options
    const builders = Array.from({ length: partitions }, () => new BatchBuilder())
    const appending = new Set<Promise<unknown>>()
    while (this.#isProducing) {
      const dueId = this.#dueId(performance.now())
      for (; this.#next < dueId; this.#next++) {
        const record = { ...purchase(this.#next), at: Date.now() }
        const partition = partitionOfText(record.user, partitions)
        ;(builders[partition] as BatchBuilder).add(record.user, JSON.stringify(record), record.at)
      }
      for (const [partition, builder] of builders.entries()) {
        if (builder.count === 0) continue
        // Apart from each other: several partitions in one append would be a transaction.
        const sent = log
          .append([{ topic: inTopic, partition, bytes: builder.finish() }])
          .finally(() => appending.delete(sent))
        appending.add(sent)
        sent.catch(() => {}) // all are awaited at the end
      }
      await pause(1)
    }
    await Promise.all(appending)
  }

  async #consume(offsets: readonly number[]): Promise<void> {
    const { log, outTopic, onOutput } = this.#options
    const starts = offsets.map((offset, partition) => ({ topic: outTopic, partition, offset }))
    const reader = await log.openReader(starts)
    while (!this.#isOver) {
      await reader.wait(100)
      for (const input of starts.keys()) {
        for (let batch = reader.poll(input); batch !== null; batch = reader.poll(input)) {
          const nowMs = performance.now()
          for (let i = batch.first; i < batch.count; i++) {
            const id = idOf(batch.value(i))
            this.#newest[input] = Math.max(this.#newest[input] ?? -1, id)
            this.#outputs += 1
            onOutput?.(id, nowMs)
          }
        }
      }
    }
    await reader.close()
  }
}

function idOf(value: Buffer | null): number {
  const text = value?.toString('latin1') ?? ''
  return Number(/"id":(\d+)/.exec(text)?.[1] ?? -1)
}
