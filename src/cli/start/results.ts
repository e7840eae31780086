/**
 * What the examples have found, read from their output topics as any other reader would: the screen
 * knows nothing that `millrace consume` could not show too.
 */
import type { Log, Reader, TopicInfo } from '../../log/log.ts'

/** A record of `vitals-1s` and `vitals-10s`. */
export interface VitalsWindow {
  readonly window: { readonly start: number; readonly end: number }
  readonly cpu: number
  readonly cpuMax: number
  readonly memory: number
  readonly load: number
  readonly loopDelayMaxMs: number
}

/** A record of `vitals-alerts`. */
export interface Alert {
  readonly at: string
  readonly alert: 'busy' | 'over'
  readonly cpu: number
  readonly seconds: number
}

/** A record of `flights-worst`. */
export interface WorstAirports {
  readonly window: { readonly start: number; readonly end: number }
  readonly airports: readonly {
    readonly key: string
    readonly flights: number
    readonly meanDelay: number
  }[]
}

/** The newest of everything. */
export interface Results {
  /** The last minute, oldest first. */
  readonly seconds: readonly VitalsWindow[]
  readonly tenSeconds: VitalsWindow | null
  readonly alert: Alert | null
  readonly worst: WorstAirports | null
  /** Records that each topic has had in all, also those that retention has deleted since. */
  readonly counts: ReadonlyMap<string, number>
}

const secondsMax = 60

export class ResultsReader {
  readonly #log: Log
  readonly #reader: Reader
  readonly #topics: readonly string[]
  readonly #seconds: VitalsWindow[] = []
  #tenSeconds: VitalsWindow | null = null
  #alert: Alert | null = null
  #worst: WorstAirports | null = null

  private constructor(log: Log, reader: Reader, topics: readonly string[]) {
    this.#log = log
    this.#reader = reader
    this.#topics = topics
  }

  /**
   * Begins a little before the topics' ends, so that there is something to see at once after a
   * restart.
   */
  static async open(log: Log): Promise<ResultsReader> {
    const backBy: Record<string, number> = {
      'vitals-1s': secondsMax,
      'vitals-10s': 1,
      'vitals-alerts': 1,
      'flights-worst': 1,
    }
    const topics = (await log.listTopics()).filter(({ name }) => name in backBy)
    const inputs = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, startOffset, endOffset }) => {
        const offset = Math.max(startOffset, endOffset - (backBy[name] ?? 0))
        return { topic: name, partition, offset }
      }),
    )
    const reader = await log.openReader(inputs)
    return new ResultsReader(
      log,
      reader,
      inputs.map(({ topic }) => topic),
    )
  }

  /** Takes what has come and gives the state of things. */
  async read(): Promise<Results> {
    await this.#reader.wait(0)
    for (const [input, topic] of this.#topics.entries()) {
      for (let batch = this.#reader.poll(input); batch !== null; batch = this.#reader.poll(input)) {
        for (let i = batch.first; i < batch.count; i++) this.#take(topic, String(batch.value(i)))
      }
    }
    return {
      seconds: this.#seconds,
      tenSeconds: this.#tenSeconds,
      alert: this.#alert,
      worst: this.#worst,
      counts: new Map((await this.#log.listTopics()).map((info) => [info.name, recordCount(info)])),
    }
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #take(topic: string, text: string): void {
    switch (topic) {
      case 'vitals-1s':
        this.#seconds.push(JSON.parse(text) as VitalsWindow)
        if (this.#seconds.length > secondsMax) this.#seconds.shift()
        return
      case 'vitals-10s':
        this.#tenSeconds = JSON.parse(text) as VitalsWindow
        return
      case 'vitals-alerts':
        this.#alert = JSON.parse(text) as Alert
        return
      case 'flights-worst':
        this.#worst = JSON.parse(text) as WorstAirports
        return
      default:
    }
  }
}

/** Records that a topic has had in all. */
export function recordCount({ partitions }: TopicInfo): number {
  return partitions.reduce((sum, { endOffset }) => sum + endOffset, 0)
}
