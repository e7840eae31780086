/**
 * Whoever writes the input of a simulated run: topics, then one wave of records after the other;
 * each at once, or piece by piece while the pipeline works on those before.
 */
import type { Log } from '../../log/log.ts'
import type { Fault } from './fault.ts'
import type { SimulatedTime } from './simulated-time.ts'
import { blocksOf, type InputRecord } from './simulation-input.ts'
import type { Subject } from './subject.ts'

export interface WriterOptions {
  readonly log: Log
  readonly subject: Subject
  readonly input: readonly InputRecord[]
  readonly faults: readonly Fault[]
  readonly time: SimulatedTime
  readonly note: (text: string) => void
  readonly onMet: (fault: Fault) => void
}

export class SimulatedWriter {
  /** The wave that was begun last. */
  wave = 0
  readonly #options: WriterOptions
  readonly #lastWave: number
  /** Pieces that are still to come. */
  #left = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#lastWave = options.input.reduce((last, { wave }) => Math.max(last, wave), 0)
  }

  get isLastWave(): boolean {
    return this.wave === this.#lastWave
  }

  /** All of the wave is in the log. */
  get isWritten(): boolean {
    return this.#left === 0
  }

  /** Creates the topics and writes the first wave, or the first piece of it. */
  async begin(): Promise<void> {
    const { log, subject } = this.#options
    for (const { name, partitions, compact } of subject.sources.values()) {
      const cleanup = compact ? 'compact' : 'delete'
      await log.createTopic(name, { partitions: partitions ?? 1, cleanup })
    }
    await this.#write()
  }

  async nextWave(): Promise<void> {
    this.wave += 1
    this.#options.note(`wave ${this.wave} of the records comes, the wall clock stands`)
    await this.#write()
  }

  async #write(): Promise<void> {
    const { input, faults } = this.#options
    const records = input.filter(({ wave }) => wave === this.wave)
    const growing = faults.find((fault) => fault.kind === 'growing-input')
    const pieces = growing === undefined ? 1 : Math.min(growing.pieces, records.length)
    if (growing === undefined || pieces < 2) return await this.#append(records)
    this.#options.onMet(growing)
    const size = Math.ceil(records.length / pieces)
    for (let from = size, i = 1; from < records.length; from += size, i++) {
      this.#left += 1
      const piece = records.slice(from, from + size)
      this.#options.time.after(i * growing.everyMs, () => void this.#appendLater(piece))
    }
    await this.#append(records.slice(0, size))
  }

  async #appendLater(records: readonly InputRecord[]): Promise<void> {
    this.#options.note(`${records.length} more records of the input come`)
    await this.#append(records)
    this.#left -= 1
  }

  async #append(records: readonly InputRecord[]): Promise<void> {
    const small = this.#options.faults.find((fault) => fault.kind === 'small-reads')
    const recordsMax = small?.records ?? Number.POSITIVE_INFINITY
    await this.#options.log.append(blocksOf(records, recordsMax))
  }
}
