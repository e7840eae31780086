/**
 * Follows partitions on their leaders. Each set of partitions has connections of its own, with one
 * request in flight for each leader, which names all partitions that have room. What was fetched is
 * kept as it came and decoded when it is polled.
 */
import { MillraceError } from '../../../core/error.ts'
import { BatchBuilder } from '../../batch.ts'
import type { RecordBatch } from '../../batch.ts'
import type { TopicPartition } from '../../log.ts'
import type { FetchOptions, FetchSet, Fetcher } from '../contracts.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { codeName, errorCode } from '../wire/error-codes.ts'
import { fetch } from '../wire/requests/fetch.ts'
import type { FetchAnswer, FetchedPartition } from '../wire/requests/fetch.ts'
import { isTransient } from '../wire/retrying.ts'
import { FetchInput } from './fetch-input.ts'
import { listOffsets, notReadable, unknownTopic } from './offsets.ts'
import { aboveEnd, closedError, gap } from './out-of-range.ts'

/** A broker with nothing new answers after this. */
const waitMs = 500
/**
 * While a partition is left out, as it has enough, or has just been added: it must not wait long.
 */
const shortWaitMs = 10
const pauseMsMin = 20
const pauseMsMax = 1_000
/** A topic that a broker does not know for so long is gone. */
const unknownMsMax = 5_000
const inputBytesMin = 64 << 10
const answerBytesMax = 8 << 20

export function createFetcher(cluster: Cluster): Fetcher {
  return new KafkaFetcher(cluster)
}

class KafkaFetcher implements Fetcher {
  readonly #cluster: Cluster
  readonly #sets = new Set<KafkaFetchSet>()
  readonly #lanes = new Set<number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  open(
    inputs: readonly (TopicPartition & { readonly offset: number })[],
    options: FetchOptions,
  ): FetchSet {
    const lane = [...this.#lanes, -1].findIndex((_, i) => !this.#lanes.has(i))
    this.#lanes.add(lane)
    const set: KafkaFetchSet = new KafkaFetchSet(
      this.#cluster,
      inputs,
      { ...options, lane },
      () => {
        this.#sets.delete(set)
        this.#lanes.delete(lane)
      },
    )
    this.#sets.add(set)
    return set
  }

  async close(): Promise<void> {
    for (const set of this.#sets) await set.close()
  }
}

type Waiting = (result: 'ready' | 'closed') => void

class KafkaFetchSet implements FetchSet {
  readonly #cluster: Cluster
  readonly #inputs: readonly FetchInput[]
  readonly #options: FetchOptions & { readonly lane: number }
  readonly #onClose: () => void
  readonly #builder = new BatchBuilder()
  readonly #inputBytesMax: number
  /** Leaders with a request in flight. */
  readonly #asked = new Set<number>()
  #isDispatching = false
  #isKicked = false
  #isWoken = false
  #isClosed = false
  #waiting: Waiting | null = null

  constructor(
    cluster: Cluster,
    inputs: readonly (TopicPartition & { readonly offset: number })[],
    options: FetchOptions & { readonly lane: number },
    onClose: () => void,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#onClose = onClose
    this.#inputs = inputs.map((input) => new FetchInput(input, input.offset))
    const share = options.bytesMax / Math.max(1, inputs.length)
    this.#inputBytesMax = Math.max(inputBytesMin, Math.floor(share))
    this.#kick()
  }

  poll(input: number): RecordBatch | null {
    this.#checkOpen()
    const one = this.#input(input)
    if (one.failure !== null && !one.hasRecords) throw one.failure
    const batch = one.poll(this.#builder)
    if (this.#hasRoom(one)) this.#kick()
    return batch
  }

  behind(input: number): boolean {
    return this.#input(input).isBehind
  }

  endOffset(input: number): number {
    this.#checkOpen()
    return this.#input(input).endOffset
  }

  seek(input: number, offset: number): void {
    this.#checkOpen()
    this.#input(input).seek(offset)
    this.#kick()
  }

  wait(timeoutMs: number): Promise<'ready' | 'timeout' | 'closed'> {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#isWoken || this.#hasAny()) {
      this.#isWoken = false
      // Whoever waits for one input while another has records must let answers come in.
      return this.#cluster.clock.nextTurn().then(() => 'ready')
    }
    if (timeoutMs <= 0) return Promise.resolve('timeout')
    return new Promise((resolve) => {
      const cancel = Number.isFinite(timeoutMs)
        ? this.#cluster.clock.after(timeoutMs, () => {
            this.#waiting = null
            resolve('timeout')
          })
        : (): void => {}
      this.#waiting = (result) => {
        cancel()
        this.#waiting = null
        this.#isWoken = false
        resolve(result)
      }
    })
  }

  wake(): void {
    this.#isWoken = true
    this.#waiting?.('ready')
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#waiting?.('closed')
    this.#leave()
  }

  /** Its connections are for another set when nothing is in flight on them any more. */
  #leave(): void {
    if (this.#isClosed && this.#asked.size === 0) this.#onClose()
  }

  #hasAny(): boolean {
    return this.#inputs.some((one) => one.hasRecords || one.failure !== null)
  }

  #hasRoom(one: FetchInput): boolean {
    return !one.isAsked && one.failure === null && one.bytes * 2 < this.#inputBytesMax
  }

  /** Asks for what has room, unless that is being done. */
  #kick(): void {
    this.#isKicked = true
    if (this.#isDispatching || this.#isClosed) return
    this.#isDispatching = true
    void this.#dispatch().finally(() => {
      this.#isDispatching = false
      if (this.#isKicked) this.#kick()
    })
  }

  /** Never rejects. */
  async #dispatch(): Promise<void> {
    this.#isKicked = false
    const nowMs = this.#cluster.clock.monotonic()
    const wanting = this.#inputs.filter(
      (one) => this.#hasRoom(one) && one.notBeforeMs <= nowMs && !this.#isClosed,
    )
    if (wanting.length === 0) return
    let topics: ReadonlyMap<string, TopicMeta>
    try {
      topics = await this.#cluster.topics([...new Set(wanting.map(({ topic }) => topic))])
    } catch (thrown) {
      for (const one of wanting) this.#failed(one, thrown)
      return
    }
    if (this.#isClosed) return
    const byLeader = new Map<number, FetchInput[]>()
    for (const one of wanting) {
      const leader = topics.get(one.topic)?.partitions[one.partition]?.leader
      if (leader === undefined) this.#refused(one, errorCode.unknownTopicOrPartition)
      else if (leader < 0) this.#refused(one, errorCode.leaderNotAvailable)
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), one])
    }
    for (const [node, list] of byLeader) {
      if (!this.#asked.has(node)) void this.#ask(node, list, topics)
    }
  }

  /** One request. Never rejects. */
  async #ask(
    node: number,
    inputs: readonly FetchInput[],
    topics: ReadonlyMap<string, TopicMeta>,
  ): Promise<void> {
    this.#asked.add(node)
    const asked = inputs.map((one) => ({ one, generation: one.generation }))
    for (const { one } of asked) one.isAsked = true
    // One that is left out, or has just been moved, must not wait behind those that have nothing.
    const isHurried = this.#inputs.some((one) => !one.isAsked || one.isBehind)
    try {
      const answer = await this.#cluster.send(
        { node },
        fetch,
        {
          waitMs: isHurried ? shortWaitMs : waitMs,
          bytesMax: Math.min(answerBytesMax, this.#inputBytesMax * inputs.length),
          partitions: inputs.map((one) => ({
            topicId: topics.get(one.topic)?.id ?? '',
            partition: one.partition,
            leaderEpoch: topics.get(one.topic)?.partitions[one.partition]?.leaderEpoch ?? -1,
            offset: one.fetchOffset,
            bytesMax: Math.ceil(this.#inputBytesMax / 2),
          })),
        },
        { purpose: 'fetch', lane: this.#options.lane },
      )
      this.#take(answer, asked, topics)
    } catch (thrown) {
      for (const { one } of asked) this.#failed(one, thrown)
    } finally {
      this.#asked.delete(node)
      for (const { one } of asked) one.isAsked = false
      this.#kick()
      this.#leave()
    }
  }

  #take(
    { code, partitions }: FetchAnswer,
    asked: readonly { one: FetchInput; generation: number }[],
    topics: ReadonlyMap<string, TopicMeta>,
  ): void {
    const answers = new Map(partitions.map((part) => [`${part.topicId} ${part.partition}`, part]))
    let isNews = false
    for (const { one, generation } of asked) {
      if (one.generation !== generation) continue // moved meanwhile
      const id = topics.get(one.topic)?.id ?? ''
      const answer = answers.get(`${id} ${one.partition}`)
      if (code !== errorCode.none) this.#refused(one, code)
      else if (answer === undefined) this.#refused(one, errorCode.unknownTopicId)
      else if (answer.code !== errorCode.none) this.#partitionRefused(one, answer)
      else if (one.heard(answer)) isNews = true
    }
    if (isNews) this.#waiting?.('ready')
  }

  #partitionRefused(one: FetchInput, answer: FetchedPartition): void {
    if (answer.code === errorCode.offsetOutOfRange) {
      one.notBeforeMs = Number.POSITIVE_INFINITY // until it is known where to go on
      void this.#outOfRange(one, one.generation)
      return
    }
    this.#refused(one, answer.code)
  }

  /** The broker has an answer, but no records. */
  #refused(one: FetchInput, code: number): void {
    const { topic, partition } = one
    if (code === errorCode.topicAuthorizationFailed) {
      return this.#stop(one, notReadable({ topic, partition }))
    }
    const nowMs = this.#cluster.clock.monotonic()
    if (code === errorCode.unknownTopicOrPartition || code === errorCode.unknownTopicId) {
      one.unknownSinceMs ??= nowMs
      if (nowMs - one.unknownSinceMs > unknownMsMax) return this.#stop(one, unknownTopic(topic))
    } else if (!isTransient(code)) {
      const at = { topic, partition, offset: one.fetchOffset }
      const text = `the broker gives no records: ${codeName(code)}`
      return this.#stop(one, new MillraceError('log-failed', text, { at }))
    }
    this.#later(one)
  }

  /** No answer came. */
  #failed(one: FetchInput, thrown: unknown): void {
    if (this.#isClosed) return
    const isFinal = thrown instanceof MillraceError && thrown.retry === 'never'
    if (isFinal) this.#stop(one, thrown)
    else this.#later(one)
  }

  #later(one: FetchInput): void {
    this.#cluster.forget({ topic: one.topic })
    const ms = Math.min(pauseMsMin * 2 ** Math.min(one.failures, 10), pauseMsMax)
    one.failures += 1
    one.notBeforeMs = this.#cluster.clock.monotonic() + ms
    this.#cluster.clock.after(ms, () => this.#kick())
  }

  #stop(one: FetchInput, failure: MillraceError): void {
    one.failure = failure
    this.#waiting?.('ready')
  }

  /** Never rejects. */
  async #outOfRange(one: FetchInput, generation: number): Promise<void> {
    const place = { topic: one.topic, partition: one.partition }
    try {
      const [start = 0] = await listOffsets(this.#cluster, [place], 'earliest')
      const [end = 0] = await listOffsets(this.#cluster, [place], 'latest')
      if (one.generation !== generation) return
      const { fetchOffset: offset } = one
      const { outOfRange } = this.#options
      if (offset > end) return this.#stop(one, aboveEnd(place, offset, end))
      if (offset < start && outOfRange === 'stop') {
        return this.#stop(one, gap(place, offset, start))
      }
      if (offset < start) one.fetchOffset = outOfRange === 'latest' ? end : start
      one.notBeforeMs = 0
      this.#kick()
    } catch (thrown) {
      one.notBeforeMs = 0
      this.#failed(one, thrown)
    }
  }

  #input(input: number): FetchInput {
    const one = this.#inputs[input]
    if (one === undefined) throw new MillraceError('invalid-argument', `there is no input ${input}`)
    return one
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError()
  }
}
