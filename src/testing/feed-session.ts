/** A session without a log: the test driver feeds it blocks and takes the commits itself. */
import { MillraceError } from '../core/error.ts'
import { RecordBatch } from '../log/batch.ts'
import type { CommitReceipt, Session, TaskSpec, TopicPartition } from '../log/log.ts'

export class FeedSession implements Session {
  readonly spec: TaskSpec
  readonly epoch = 1
  readonly offsets: readonly number[]
  readonly skipped: readonly number[]
  readonly restoredShare = 1
  readonly #queues: RecordBatch[][]
  readonly #ends: number[]

  constructor(inputs: readonly TopicPartition[]) {
    this.spec = {
      pipeline: 'test',
      task: 'main/all',
      inputs,
      startAt: inputs.map(() => 'earliest' as const),
    }
    this.offsets = inputs.map(() => 0)
    this.skipped = this.offsets
    this.#queues = inputs.map(() => [])
    this.#ends = inputs.map(() => 0)
  }

  /** Inputs that read a place: two where a topic is read as a global table, too; none: not read. */
  indexesOf({ topic, partition }: TopicPartition): number[] {
    return this.spec.inputs.flatMap((input, i) =>
      input.topic === topic && input.partition === partition ? [i] : [],
    )
  }

  /** Puts a block behind what an input holds. */
  feed(input: number, block: Uint8Array): void {
    const place = this.spec.inputs[input] as TopicPartition
    const batch = new RecordBatch(place.topic, place.partition, this.#ends[input] as number, block)
    this.#queues[input]?.push(batch)
    this.#ends[input] = batch.nextOffset
  }

  async *restore(): AsyncIterable<Uint8Array> {}

  poll(input: number): RecordBatch | null {
    return this.#queues[input]?.shift() ?? null
  }

  behind(): boolean {
    return false
  }

  endOffset(input: number): number {
    return this.#ends[input] as number
  }

  wait(): Promise<'timeout'> {
    return Promise.resolve('timeout')
  }

  wake(): void {}

  commit(): Promise<CommitReceipt> {
    throw new MillraceError(
      'assertion-failed',
      'the test driver takes commits from the task itself',
    )
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
