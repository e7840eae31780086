/** Reads what the pipelines have written, as it comes. */
import assert from 'node:assert/strict'
import type { Log, Reader } from '../../src/log/log.ts'
import type { OutputTopic } from './pipeline.ts'
import { outputTopics } from './pipeline.ts'

interface Place {
  readonly topic: OutputTopic
  readonly partition: number
}

export class Outputs {
  read = 0
  readonly #reader: Reader
  readonly #places: readonly Place[]
  readonly #next: number[]

  private constructor(reader: Reader, places: readonly Place[]) {
    this.#reader = reader
    this.#places = places
    this.#next = places.map(() => 0)
  }

  static async open(log: Log): Promise<Outputs> {
    const known = new Map((await log.listTopics()).map((info) => [info.name, info]))
    const places = outputTopics.flatMap((topic) =>
      (known.get(topic)?.partitions ?? []).map(({ partition }) => ({ topic, partition })),
    )
    const inputs = places.map((place) => ({ ...place, offset: 0 }))
    return new Outputs(await log.openReader(inputs), places)
  }

  /** Gives all that is there. @throws an assertion error where records are missing */
  take(give: (topic: OutputTopic, text: string) => void): void {
    for (const [input, { topic, partition }] of this.#places.entries()) {
      for (let batch = this.#reader.poll(input); batch !== null; batch = this.#reader.poll(input)) {
        const first = batch.baseOffset + batch.first
        const place = `${topic}/${partition}`
        assert.equal(
          first,
          this.#next[input],
          `${place}: records were deleted before they were read`,
        )
        for (let i = batch.first; i < batch.count; i++) give(topic, String(batch.value(i)))
        this.read += batch.count - batch.first
        this.#next[input] = batch.nextOffset
      }
    }
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }
}
