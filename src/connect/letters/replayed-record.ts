/** The record that a letter becomes when it is replayed. */
import { encodeHeaders, type Header } from '../../log/batch.ts'
import { isCode } from '../../core/error.ts'
import type { Log, TopicInfo } from '../../log/log.ts'
import { partitionOf } from '../../log/partitioner.ts'
import { chainOf, keptInReplay, placeText, replayHeaders } from '../../pipeline/replay-headers.ts'
import type { RecordPlace } from '../../pipeline/replay-headers.ts'
import { type InputRecord, InputRecords } from './input-records.ts'
import { digestOf, type Letter } from './letter.ts'

/** For whom replayed records are: who refused them, all that read the topic, or a pipeline. */
export type Address = 'sender' | 'all' | { readonly pipeline: string }

export interface ReplayedRecord {
  readonly topic: string
  readonly partition: number
  /** The end of the partition when this was first asked for, or less. */
  readonly from: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timeMs: number
  readonly headers: readonly Header[]
  /** For whom it is; null: for all that read the topic. */
  readonly pipeline: string | null
  /** Letters that agree in it tell of one record, refused by one pipeline. */
  readonly input: string
}

/**
 * Why a letter cannot be replayed: it holds a `result`, whose record would have to go through all
 * steps again; `no-record` alone is behind it; its record is `gone`; with the headers it would be
 * `too-large` for its topic.
 */
export type Skip = 'result' | 'no-record' | 'gone' | 'too-large'

export interface RecordMakerOptions {
  readonly log: Log
  readonly address: Address
  /** Of a result, take the record behind it. */
  readonly takesInputs: boolean
}

export class RecordMaker {
  readonly #options: RecordMakerOptions
  readonly #inputs: InputRecords
  readonly #topics = new Map<string, TopicInfo | null>()

  constructor(options: RecordMakerOptions) {
    this.#options = options
    this.#inputs = new InputRecords(options.log)
  }

  async make(letter: Letter): Promise<ReplayedRecord | Skip> {
    const { passage } = letter
    const origin = passage?.place ?? letter.origin
    if (origin === null) return 'no-record'
    // Past the steps before: those have done their part, and what they gave is what died.
    if (passage !== null)
      return await this.#fill(letter, origin, { ...letter, value: passage.bytes })
    const isWhole = !letter.isResult && !letter.isCut
    if (!isWhole && !this.#options.takesInputs) return 'result'
    const input = isWhole ? letter : await this.#inputs.at(origin)
    if (input === null) return 'gone'
    return await this.#fill(letter, origin, input)
  }

  async #fill(
    letter: Letter,
    origin: RecordPlace,
    input: InputRecord,
  ): Promise<ReplayedRecord | Skip> {
    const info = await this.#find(origin.topic)
    if (info === null) return 'gone'
    // Of a result, its record itself tells what it was before.
    const chain = chainOf(input.headers)
    const { key, value, timeMs } = input
    const pipeline = this.#addressee(letter)
    const headers = [
      ...keptInReplay(input.headers),
      ...replayHeaders(
        { letter, first: chain?.first ?? origin, attempt: (chain?.attempt ?? 0) + 1 },
        pipeline,
      ),
    ]
    const bytes = (key?.length ?? 0) + (value?.length ?? 0) + encodeHeaders(headers).length
    if (bytes > info.config.recordBytesMax) return 'too-large'
    const count = info.partitions.length
    // Behind a repartition the key says where its state is, be there more partitions by now.
    const isKeyed = letter.passage !== null && key !== null
    const partition = isKeyed ? partitionOf(key, count) : origin.partition % count
    const from = info.partitions[partition]?.endOffset ?? 0
    const record = { topic: origin.topic, partition, from, key, value, timeMs, headers }
    return { ...record, pipeline, input: inputOf(letter, origin, timeMs) }
  }

  async close(): Promise<void> {
    await this.#inputs.close()
  }

  #addressee({ pipeline }: Letter): string | null {
    const { address } = this.#options
    if (address === 'all') return null
    return address === 'sender' ? pipeline : address.pipeline
  }

  /** null: there is no such topic. */
  async #find(topic: string): Promise<TopicInfo | null> {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const found = await this.#options.log.describeTopic(topic).catch((thrown: unknown) => {
      if (isCode(thrown, 'unknown-topic')) return null
      throw thrown
    })
    this.#topics.set(topic, found)
    return found
  }
}

/** With the time: where a topic was made anew, its offsets name other records. */
function inputOf({ pipeline }: Letter, origin: RecordPlace, timeMs: number): string {
  return digestOf(`${placeText(origin)} ${pipeline ?? ''} ${timeMs}`)
}
