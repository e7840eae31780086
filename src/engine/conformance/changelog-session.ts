/**
 * A log for one task, in one object: what is durable (records, offsets, changelog blobs with
 * folding), and sessions on it. It asserts what the log contract demands of a commit. For tests
 * that restart a task at any commit.
 */
import { assert } from '../../core/assert.ts'
import { BatchBuilder, RecordBatch } from '../../log/batch.ts'
import type {
  ChangelogWrite,
  CommitBatch,
  CommitReceipt,
  Session,
  TaskSpec,
  TopicPartition,
} from '../../log/log.ts'

/** A record as an input gets it. */
export interface FedRecord {
  readonly key: string | null
  readonly value: string
  readonly timeMs: number
}

/** Changelog blobs as a log keeps them: none from before the start of the last complete round. */
export class KeptBlobs {
  blobs: readonly ChangelogWrite[] = []

  add(blob: ChangelogWrite): void {
    this.blobs = [...this.blobs, blob]
    if (!blob.endsRound) return
    const start = this.blobs.findLastIndex((each) => each.startsRound)
    assert(start >= 0, () => 'a round ends that never began')
    this.blobs = this.blobs.slice(start)
  }

  get bytes(): number {
    return this.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }
}

export class OneTaskLog {
  readonly inputs: readonly TopicPartition[]
  readonly kept: KeptBlobs = new KeptBlobs()
  /** Committed next offsets. */
  offsets: number[]
  readonly #blocks: RecordBatch[][]
  readonly #written: Map<string, RecordBatch[]> = new Map()

  constructor(inputs: readonly TopicPartition[]) {
    this.inputs = inputs
    this.offsets = inputs.map(() => 0)
    this.#blocks = inputs.map(() => [])
  }

  /** Appends records to an input, `blockRecords` in each block. */
  feed(input: number, records: readonly FedRecord[], blockRecords: number): void {
    const { topic, partition } = this.inputs[input] as TopicPartition
    const builder = new BatchBuilder()
    for (const [i, { key, value, timeMs }] of records.entries()) {
      builder.add(key, value, timeMs)
      if (builder.count < blockRecords && i < records.length - 1) continue
      const batch = new RecordBatch(topic, partition, this.endOffset(input), builder.finish())
      this.#blocks[input]?.push(batch)
    }
  }

  endOffset(input: number): number {
    return this.#blocks[input]?.at(-1)?.nextOffset ?? 0
  }

  /** The block with a record from `offset` on. */
  read(input: number, offset: number): RecordBatch | null {
    const found = this.#blocks[input]?.find((block) => block.nextOffset > offset)
    if (found === undefined) return null
    return new RecordBatch(found.topic, found.partition, found.baseOffset, found.bytes, offset)
  }

  /** As a session's commit: all at once. */
  commit({ offsets, appends, changelog }: CommitBatch): void {
    assert(offsets.length === this.inputs.length, () => `${offsets.length} offsets`)
    const next = this.offsets.map((before, i) => (offsets[i] === -1 ? before : (offsets[i] ?? -1)))
    for (const [i, offset] of next.entries()) {
      const from = this.offsets[i] as number
      const isWithin = offset >= from && offset <= this.endOffset(i)
      assert(isWithin, () => `offset ${offset} of input ${i}, which was at ${from}`)
    }
    this.offsets = next
    for (const { topic, partition, bytes } of appends) {
      const batches = this.#written.get(`${topic}/${partition}`) ?? []
      const base = batches.at(-1)?.nextOffset ?? 0
      this.#written.set(`${topic}/${partition}`, [
        ...batches,
        new RecordBatch(topic, partition, base, bytes),
      ])
    }
    if (changelog !== null) this.kept.add(changelog)
  }

  /** What was committed, a line a record: `topic/partition key=value@time header=…`, no stacks. */
  lines(): string[] {
    const lines: string[] = []
    for (const [place, batches] of [...this.#written].toSorted(byPlace)) {
      for (const batch of batches) {
        for (let i = 0; i < batch.count; i++) lines.push(`${place} ${lineOf(batch, i)}`)
      }
    }
    return lines
  }

  open(): Session {
    return new OneTaskSession(this)
  }
}

function byPlace([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b)
}

/** Headers that a plain model can know. */
const shownHeaders = ['reason', 'step', 'offset', 'watermark', 'window-end', 'value']

function lineOf(batch: RecordBatch, i: number): string {
  const headers = new Map(batch.headers(i).map(({ name, value }) => [name, String(value)]))
  const shown = shownHeaders.flatMap((name) => {
    const text = headers.get(`millrace-${name}`)
    return text === undefined ? [] : ` ${name}=${text}`
  })
  return `${batch.key(i) ?? null}=${batch.value(i) ?? null}@${batch.time(i)}${shown.join('')}`
}

class OneTaskSession implements Session {
  readonly spec: TaskSpec
  readonly epoch = 1
  readonly offsets: readonly number[]
  readonly skipped: readonly number[]
  restoredShare = 0
  readonly #log: OneTaskLog
  readonly #next: number[]

  constructor(log: OneTaskLog) {
    const startAt = log.inputs.map(() => 'earliest' as const)
    this.spec = { pipeline: 'test', task: 'main/all', inputs: log.inputs, startAt }
    this.offsets = [...log.offsets]
    this.skipped = log.inputs.map(() => 0)
    this.#log = log
    this.#next = [...log.offsets]
  }

  async *restore(): AsyncIterable<Uint8Array> {
    for (const { bytes } of this.#log.kept.blobs) yield bytes
    this.restoredShare = 1
  }

  poll(input: number): RecordBatch | null {
    const batch = this.#log.read(input, this.#next[input] as number)
    if (batch !== null) this.#next[input] = batch.nextOffset
    return batch
  }

  behind(): boolean {
    return false
  }

  endOffset(input: number): number {
    return this.#log.endOffset(input)
  }

  wait(): Promise<'timeout'> {
    return Promise.resolve('timeout')
  }

  wake(): void {}

  async commit(commit: CommitBatch): Promise<CommitReceipt> {
    this.#log.commit(commit)
    return { appended: [] }
  }

  async close(): Promise<void> {}
}
