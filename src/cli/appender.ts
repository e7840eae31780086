/**
 * Records on their way to a topic. One append is on its way at a time; what comes meanwhile is
 * gathered for the next one. So a slow input is on disk at once, a fast one goes in large appends,
 * and after a failure nothing behind it is written.
 */
import { messageOf, MillraceError } from '../core/error.ts'
import { BatchBuilder } from '../log/batch.ts'
import type { AppendBatch, Log, TopicInfo } from '../log/log.ts'
import { KeylessPartitioner, partitionOf } from '../log/partitioner.ts'

/** Records of a batch: a row of the embedded log. */
const batchRecordsMax = 500
/** A batch is closed at this size, whatever its count. */
const batchBytesSoftMax = 262_144
/** Gathered bytes from which the reading of input waits. */
const gatheredBytesMax = 8 * 1_048_576

interface Gathered {
  batches: AppendBatch[]
  records: number
  bytes: number
}

export class Appender {
  readonly #log: Log
  readonly #onFailure: () => void
  readonly #topic: string
  readonly #partitions: number
  readonly #builders = new Map<number, BatchBuilder>()
  readonly #keyless = new KeylessPartitioner()
  #gathered: Gathered = { batches: [], records: 0, bytes: 0 }
  #inFlight: Promise<void> | null = null
  #inFlightRecords = 0
  #openBytes = 0
  #acknowledged = 0
  #failure: { readonly error: unknown } | null = null

  /**
   * @param onFailure told when an append has failed: nothing that was added after it will be
   * written, and `finish` throws what it threw
   */
  constructor(log: Log, topic: TopicInfo, onFailure: () => void) {
    this.#log = log
    this.#onFailure = onFailure
    this.#topic = topic.name
    this.#partitions = topic.config.partitions
  }

  /** Records that are on disk. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Bytes of records that wait for the append on its way. */
  get waitingBytes(): number {
    return this.#gathered.bytes + this.#openBytes
  }

  /** Takes a record; its bytes are copied. */
  add(key: Buffer | null, value: Buffer, timeMs: number): void {
    const partition =
      key === null ? this.#keyless.next(this.#partitions) : partitionOf(key, this.#partitions)
    let builder = this.#builders.get(partition)
    if (builder === undefined) {
      builder = new BatchBuilder()
      this.#builders.set(partition, builder)
    }
    builder.add(key, value, timeMs)
    this.#openBytes += (key?.length ?? 0) + value.length
    if (builder.count >= batchRecordsMax || builder.payloadBytes >= batchBytesSoftMax) {
      this.#closeBatch(partition, builder)
    }
  }

  /** Sends what was added, now or behind the append that is on its way. */
  flush(): void {
    for (const [partition, builder] of this.#builders) {
      if (builder.count > 0) this.#closeBatch(partition, builder)
    }
    this.#start()
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.waitingBytes >= gatheredBytesMax && this.#failure === null) {
      this.#start()
      await this.#inFlight
    }
  }

  /**
   * Resolves when everything that was added is on disk.
   * @throws what the first failed append threw
   */
  async finish(): Promise<void> {
    do {
      this.flush()
      await this.#inFlight
    } while (this.#inFlight !== null)
    if (this.#failure !== null) throw this.#failure.error
  }

  #closeBatch(partition: number, builder: BatchBuilder): void {
    const records = builder.count
    const bytes = builder.payloadBytes
    this.#gathered.batches.push({ topic: this.#topic, partition, bytes: builder.finish() })
    this.#gathered.records += records
    this.#gathered.bytes += bytes
    this.#openBytes -= bytes
  }

  #start(): void {
    if (this.#inFlight !== null || this.#gathered.records === 0 || this.#failure !== null) return
    const { batches, records } = this.#gathered
    this.#gathered = { batches: [], records: 0, bytes: 0 }
    this.#inFlightRecords = records
    this.#inFlight = this.#append(batches, records)
  }

  async #append(batches: readonly AppendBatch[], records: number): Promise<void> {
    try {
      await this.#log.append(batches)
      this.#acknowledged += records
    } catch (error) {
      this.#failure = { error: this.#withOutcome(error) }
      this.#onFailure()
    }
    this.#inFlightRecords = 0
    this.#inFlight = null
    // What came meanwhile goes at once; the open batches are filled on.
    this.#start()
  }

  /** Says which records are in doubt where the log does not know whether it wrote them. */
  #withOutcome(error: unknown): unknown {
    if (!(error instanceof MillraceError) || error.outcome !== 'unknown') return error
    const from = this.#acknowledged + 1
    const records = `records ${from} to ${from + this.#inFlightRecords - 1} of this input`
    return new MillraceError(error.code, `${messageOf(error)}; ${records} may have been written`, {
      hint: 'compare with the end of the topic: millrace consume TOPIC --from -10',
      cause: error,
      outcome: 'unknown',
    })
  }
}
