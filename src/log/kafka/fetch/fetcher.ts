/**
 * Follows partitions on their leaders, for all tasks and readers of a log handle together: each
 * broker is asked by one loop (broker-loop.ts). What was fetched is kept as it came and decoded
 * when it is polled.
 */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'
import type { FetchOptions, FetchSet, Fetcher } from '../contracts.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { FetchedPartition } from '../wire/requests/fetch.ts'
import { BrokerLoop } from './broker-loop.ts'
import type { LoopEvents } from './broker-loop.ts'
import type { FetchInput, Leader } from './fetch-input.ts'
import { KafkaFetchSet } from './fetch-set.ts'
import { Leaders } from './leaders.ts'
import type { LeaderEvents } from './leaders.ts'
import { listOffsets, unknownTopic } from './offsets.ts'
import { aboveEnd, cutBack, gap, madeAnew } from './out-of-range.ts'
import { gaveUp, refusalOf } from './refusal.ts'

const pauseMsMin = 20
const pauseMsMax = 1_000
/** A topic that brokers do not know for so long is gone. */
const unknownMsMax = 5_000
/** What an input may hold, whatever the budget; an answer brings half of it. */
const inputBytesMin = 64 << 10
const inputBytesMax = 2 << 20
/** Of all inputs together, as long as each has its least. */
const processBytesMax = 64 << 20

export function createFetcher(cluster: Cluster): Fetcher {
  return new KafkaFetcher(cluster)
}

interface Follow {
  readonly set: KafkaFetchSet
  /** Of the set's budget. */
  readonly bytesMax: number
  /** null: nobody is being asked for it. */
  loop: BrokerLoop | null
  /** Ends the pause before it is asked for again. */
  stopPause: () => void
}

class KafkaFetcher implements Fetcher, LoopEvents, LeaderEvents {
  readonly #cluster: Cluster
  readonly #sets = new Set<KafkaFetchSet>()
  readonly #follows = new Map<FetchInput, Follow>()
  readonly #loops = new Map<number, BrokerLoop>()
  readonly #leaders: Leaders

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#leaders = new Leaders(cluster, this)
  }

  open(
    places: readonly (TopicPartition & { readonly offset: number })[],
    { bytesMax, outOfRange }: FetchOptions,
  ): FetchSet {
    const set: KafkaFetchSet = new KafkaFetchSet(places, {
      clock: this.#cluster.clock,
      outOfRange,
      onRoom: (input) => this.#follows.get(input)?.loop?.kick(),
      onSeek: (input) => this.#seekLeader(input),
      onClose: () => this.#drop(set),
    })
    this.#sets.add(set)
    const share = Math.floor(bytesMax / Math.max(1, places.length))
    for (const input of set.inputs) {
      this.#follows.set(input, { set, bytesMax: share, loop: null, stopPause: () => {} })
    }
    this.#leaders.find(set.inputs)
    this.#leaders.watch(() => [...this.#follows.keys()])
    return set
  }

  async close(): Promise<void> {
    for (const set of this.#sets) await set.close()
    for (const loop of this.#loops.values()) loop.close()
    this.#leaders.stop()
  }

  #drop(set: KafkaFetchSet): void {
    this.#sets.delete(set)
    for (const input of set.inputs) {
      const follow = this.#follows.get(input)
      follow?.stopPause()
      follow?.loop?.delete(input)
      this.#follows.delete(input)
    }
    if (this.#follows.size === 0) this.#leaders.stop()
  }

  #bytesMax(input: FetchInput): number {
    const share = this.#follows.get(input)?.bytesMax ?? 0
    const most = Math.min(share, inputBytesMax, processBytesMax / this.#follows.size)
    return Math.max(inputBytesMin, Math.floor(most))
  }

  led(input: FetchInput, leader: Leader): void {
    const follow = this.#follows.get(input)
    if (follow === undefined) return
    input.topicId ??= leader.topicId
    if (input.topicId !== leader.topicId) return this.#stop(input, madeAnew(input))
    const loop = this.#loop(leader.node)
    if (follow.loop !== loop) {
      follow.loop?.delete(input)
      input.ask = null
      follow.loop = loop
    }
    input.leader = leader
    loop.add(input)
  }

  #loop(node: number): BrokerLoop {
    const known = this.#loops.get(node)
    if (known !== undefined) return known
    const loop = new BrokerLoop({
      cluster: this.#cluster,
      node,
      events: this,
      inputBytesMax: (input) => this.#bytesMax(input),
    })
    this.#loops.set(node, loop)
    return loop
  }

  #seekLeader(input: FetchInput): void {
    const follow = this.#follows.get(input)
    follow?.stopPause()
    follow?.loop?.delete(input)
    if (follow !== undefined) follow.loop = null
    input.leader = null
    this.#leaders.find([input])
  }

  answered(input: FetchInput, answer: FetchedPartition): void {
    if (answer.code !== errorCode.none) return this.refused(input, answer.code)
    if (answer.diverging !== null) return this.#diverges(input, answer.diverging)
    const found = input.heard(answer)
    if (found === 'stuck') this.#later(input)
    if (found === 'news' || input.hasCaughtUp()) input.tell()
  }

  unchanged(input: FetchInput): void {
    input.hasHeard = true
    if (input.hasCaughtUp()) input.tell()
  }

  #diverges(input: FetchInput, place: { epoch: number; endOffset: number }): void {
    const { fetchOffset } = input
    if (!input.cutBack(place)) this.#stop(input, cutBack(input, fetchOffset, place.endOffset))
  }

  /** The broker has an answer, but no records. */
  refused(input: FetchInput, code: number): void {
    const { topic, partition, fetchOffset: offset } = input
    const at = { topic, partition, offset }
    const refusal = refusalOf(code, at)
    if (refusal instanceof MillraceError) return this.#stop(input, refusal)
    if (refusal === 'out-of-range') return void this.#outOfRange(input)
    if (refusal === 'unknown') {
      const nowMs = this.#cluster.clock.monotonic()
      input.unknownSinceMs ??= nowMs
      if (nowMs - input.unknownSinceMs > unknownMsMax) {
        const isKnown = code === errorCode.unknownServerError
        return this.#stop(input, isKnown ? gaveUp(code, at, unknownMsMax) : unknownTopic(topic))
      }
    }
    this.#later(input)
  }

  /** No answer came. */
  failed(input: FetchInput, thrown: unknown): void {
    const isFinal = thrown instanceof MillraceError && thrown.retry === 'never'
    if (isFinal) this.#stop(input, thrown)
    else this.#later(input)
  }

  /** After a pause, whoever leads it then is asked. */
  #later(input: FetchInput): void {
    const follow = this.#follows.get(input)
    if (follow === undefined) return
    const { clock } = this.#cluster
    this.#cluster.forget({ topic: input.topic })
    const ms = Math.min(pauseMsMin * 2 ** Math.min(input.failures, 10), pauseMsMax)
    input.failures += 1
    input.notBeforeMs = clock.monotonic() + ms
    follow.stopPause()
    follow.stopPause = clock.after(ms, () => {
      input.notBeforeMs = 0 // a timer may come a little early
      this.#seekLeader(input)
    })
  }

  #stop(input: FetchInput, failure: MillraceError): void {
    input.failure = failure
    input.tell()
  }

  /** Never rejects. */
  async #outOfRange(input: FetchInput): Promise<void> {
    const { topic, partition, generation, fetchOffset: offset } = input
    const place = { topic, partition }
    input.notBeforeMs = Number.POSITIVE_INFINITY // until it is known where to go on
    try {
      const [start = 0] = await listOffsets(this.#cluster, [place], 'earliest')
      const [end = 0] = await listOffsets(this.#cluster, [place], 'latest')
      const follow = this.#follows.get(input)
      if (input.generation !== generation || follow === undefined) return
      const { outOfRange } = follow.set
      if (offset > end) return this.#stop(input, aboveEnd(place, offset, end))
      if (offset < start && outOfRange === 'stop') {
        return this.#stop(input, gap(place, offset, start))
      }
      if (offset < start) {
        input.goOnAt(outOfRange === 'latest' ? end : start)
        follow.loop?.kick()
        return
      }
      // Whoever said so did not lead it, or does not know the epochs of its records.
      input.lastEpoch = -1
      this.#later(input)
    } catch (thrown) {
      if (input.generation === generation) this.failed(input, thrown)
    }
  }
}
