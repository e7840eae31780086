/** A cluster without brokers, for tests: answers as it is told to, and keeps what it was sent. */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { AppendBatch, TopicPartition } from '../../log.ts'
import { BatchBuilder } from '../../batch.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster, Features, Target, TopicMeta } from '../wire/cluster.ts'
import type { AppendOptions } from './appends.ts'

/** Time passes only while somebody waits for it, and then at once. */
export class HurriedClock implements Clock {
  #nowMs = 1_000

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const dueMs = this.#nowMs + delayMs
    let isOff = false
    setImmediate(() => {
      if (isOff) return
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      run()
    })
    return () => (isOff = true)
  }

  nextTurn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
}

export interface SentRequest {
  /** Kafka's name; InitProducerId is `InitProducerId held` where it names an epoch. */
  readonly name: string
  readonly version: number
  readonly to: Target
  readonly request: Record<string, unknown>
}

/** `lost`: done, but the answer does not come. `down`: not even sent. A number: that code. */
export type Step = 'lost' | 'down' | number

export class TestCluster implements Cluster {
  readonly place = 'nowhere:9092'
  readonly clock = new HurriedClock()
  readonly state = { away: null }
  readonly sent: SentRequest[] = []
  readonly forgotten: string[] = []
  /** By name: what the next requests meet; then all goes well. */
  readonly script: Map<string, Step[]> = new Map()
  /** Called before a request is answered. */
  onSend: ((sent: SentRequest) => void) | null = null
  readonly topicNames = new Set(['t', 'u'])
  readonly #ends: Map<string, number> = new Map()
  /** By producer, partition and sequence: a batch that comes again is known. */
  readonly #batches: Map<string, number> = new Map()
  /** As DescribeTransactions says it. */
  transactionState = 'Empty'
  #epoch = 0
  #producers = 0

  features(): Promise<Features> {
    return Promise.resolve({ level: () => 2, versionMax: () => 99 })
  }

  clusterId(): Promise<string> {
    return Promise.resolve('test')
  }

  brokers(): Promise<[]> {
    return Promise.resolve([])
  }

  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMeta>> {
    const found = names.filter((name) => this.topicNames.has(name))
    return Promise.resolve(new Map(found.map((name) => [name, this.#meta(name)])))
  }

  allTopics(): Promise<readonly TopicMeta[]> {
    return Promise.resolve([...this.topicNames].map((name) => this.#meta(name)))
  }

  known(topic: string): TopicMeta | undefined {
    return this.topicNames.has(topic) ? this.#meta(topic) : undefined
  }

  #meta(name: string): TopicMeta {
    const partition = (index: number): TopicMeta['partitions'][number] => ({
      partition: index,
      leader: index % 2,
      leaderEpoch: 0,
      replicas: [],
      isr: [],
    })
    return { name, id: `id-${name}`, isInternal: false, partitions: [0, 1, 2, 3].map(partition) }
  }

  forget(what: Parameters<Cluster['forget']>[0]): void {
    this.forgotten.push(Object.values(what).join())
  }

  async send<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    asked: Request,
  ): Promise<Answer> {
    const request = asked as Record<string, unknown>
    const isHeld = api.name === 'InitProducerId' && request['held'] !== undefined
    const name = isHeld ? 'InitProducerId held' : api.name
    const sent = { name, version: api.version, to, request: { ...request } }
    // The sender may use the memory of its batches again.
    if (name === 'Produce') sent.request['batches'] = (request['batches'] as Produced[]).map(copyOf)
    this.sent.push(sent)
    await this.clock.nextTurn()
    this.onSend?.(sent)
    const step = this.script.get(name)?.shift() ?? 0
    const lost = { outcome: step === 'lost' ? 'unknown' : 'not-applied' } as const
    if (step === 'down') throw new MillraceError('log-unreachable', 'connection refused', lost)
    const answer = this.#answer(name, api.version, request, step === 'lost' ? 0 : step)
    if (step === 'lost') throw new MillraceError('log-unreachable', 'connection lost', lost)
    return answer as Answer
  }

  #answer(name: string, version: number, request: Record<string, unknown>, code: number): unknown {
    switch (name) {
      case 'InitProducerId':
        if (code === 0) this.#epoch += 1
        if (request['transactionalId'] === null) this.#producers += 1
        return { code, producerId: 7 + this.#producers, epoch: this.#epoch }
      case 'InitProducerId held':
        if (code === 0) this.#epoch += 1
        return { code, producerId: 7, epoch: this.#epoch }
      case 'AddPartitionsToTxn':
        return (request['places'] as TopicPartition[]).map((place) => ({ ...place, code }))
      case 'TxnOffsetCommit':
      case 'OffsetCommit':
        return (request['offsets'] as TopicPartition[]).map((place) => ({ ...place, code }))
      case 'Produce':
        return (request['batches'] as Produced[]).map((batch) => this.#produce(batch, code))
      case 'EndTxn':
        if (version === 5 && code === 0) this.#epoch += 1
        return { code, next: version < 5 ? null : { producerId: 7, epoch: this.#epoch } }
      case 'DescribeTransactions':
        return [this.#described(code)]
      default:
        return { code }
    }
  }

  /** The coordinator aborts what is open, as it does after its time-out. */
  timeOut(): void {
    this.#epoch += 1
    this.transactionState = 'CompleteAbort'
  }

  #described(code: number): unknown {
    const { transactionState: state } = this
    return { code, transactionalId: 'x', state, producerId: 7, epoch: this.#epoch }
  }

  #produce({ topic, partition, bytes }: Produced, code: number): unknown {
    const place = `${topic}/${partition}`
    if (code !== 0) return { topic, partition, code, baseOffset: -1, reason: null }
    const [producer, epoch, sequence] = [43, 51, 53].map((at) => bytes.readInt32BE(at))
    const key = [place, producer, epoch, sequence].join()
    const end = this.#ends.get(place) ?? 0
    const baseOffset = this.#batches.get(key) ?? end
    if (!this.#batches.has(key)) this.#ends.set(place, end + bytes.readInt32BE(57))
    this.#batches.set(key, baseOffset)
    return { topic, partition, code, baseOffset, reason: null }
  }

  /** Another producer writes one record. */
  writeElsewhere(topic: string, partition: number): void {
    const place = `${topic}/${partition}`
    this.#ends.set(place, (this.#ends.get(place) ?? 0) + 1)
  }

  names(): string[] {
    return this.sent.map(({ name, request }) =>
      name === 'EndTxn' ? `EndTxn ${request['isCommit'] === true ? 'commit' : 'abort'}` : name,
    )
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

interface Produced extends TopicPartition {
  readonly bytes: Buffer
}

export function testOptions(cluster: Cluster): AppendOptions {
  const limits = { recordBytesMax: 1 << 20, batchBytesMax: 1 << 20, isCompacted: false }
  return { cluster, compression: 'none', limits: () => Promise.resolve(limits) }
}

export function blockOf(...values: readonly string[]): Uint8Array {
  const builder = new BatchBuilder()
  for (const value of values) builder.add('k', value, 1)
  return builder.finish()
}

export function appendOf(topic: string, partition: number, ...values: string[]): AppendBatch {
  return { topic, partition, bytes: blockOf(...values) }
}

function copyOf(batch: Produced): Produced {
  return { ...batch, bytes: Buffer.from(batch.bytes) }
}
