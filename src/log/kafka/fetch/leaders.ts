/** Finds out which broker leads what, without one topic waiting for another. Never rejects. */
import { MillraceError } from '../../../core/error.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { keyOf } from './fetch-input.ts'
import type { FetchInput, Leader } from './fetch-input.ts'

/**
 * A broker that is cut off from the others goes on answering as if it still led: now and then they
 * are asked, too.
 */
const lookEveryMs = 60_000

export interface LeaderEvents {
  led(input: FetchInput, leader: Leader): void
  refused(input: FetchInput, code: number): void
  failed(input: FetchInput, thrown: unknown): void
}

export class Leaders {
  readonly #cluster: Cluster
  readonly #events: LeaderEvents
  /** Being looked for. */
  readonly #sought = new Set<FetchInput>()
  #stopLooking: (() => void) | null = null

  constructor(cluster: Cluster, events: LeaderEvents) {
    this.#cluster = cluster
    this.#events = events
  }

  /** Those of them that have no leader and are due. */
  find(inputs: Iterable<FetchInput>): void {
    const nowMs = this.#cluster.clock.monotonic()
    const due: FetchInput[] = []
    for (const one of inputs) {
      if (one.leader !== null || one.failure !== null || one.notBeforeMs > nowMs) continue
      if (!this.#sought.has(one)) due.push(one)
    }
    if (due.length > 0) void this.#find(due)
  }

  async #find(inputs: readonly FetchInput[]): Promise<void> {
    for (const one of inputs) this.#sought.add(one)
    const names = [...new Set(inputs.map(({ topic }) => topic))]
    try {
      this.#found(inputs, await this.#cluster.topics(names))
    } catch (thrown) {
      const isFinal = thrown instanceof MillraceError && thrown.retry === 'never'
      if (isFinal && names.length > 1) {
        // One of them is refused: which one?
        await Promise.all(
          names.map((name) => this.#find(inputs.filter(({ topic }) => topic === name))),
        )
        return
      }
      for (const one of this.#settled(inputs)) this.#events.failed(one, thrown)
    }
  }

  #found(inputs: readonly FetchInput[], topics: ReadonlyMap<string, TopicMeta>): void {
    for (const one of this.#settled(inputs)) {
      const meta = topics.get(one.topic)
      const partition = meta?.partitions[one.partition]
      if (meta === undefined || partition === undefined) {
        this.#events.refused(one, errorCode.unknownTopicOrPartition)
      } else if (partition.leader < 0) this.#events.refused(one, errorCode.leaderNotAvailable)
      else {
        const { leader: node, leaderEpoch } = partition
        const key = keyOf({ topicId: meta.id, partition: one.partition })
        this.#events.led(one, { node, topicId: meta.id, leaderEpoch, key })
      }
    }
  }

  #settled(inputs: readonly FetchInput[]): FetchInput[] {
    for (const one of inputs) this.#sought.delete(one)
    return inputs.filter(({ isClosed, leader }) => !isClosed && leader === null)
  }

  /** Asks now and then whether the leaders are still the same, until `stop`. */
  watch(followed: () => readonly FetchInput[]): void {
    this.#stopLooking ??= this.#cluster.clock.after(lookEveryMs, () => {
      this.#stopLooking = null
      void this.#look(followed()).finally(() => {
        if (followed().length > 0) this.watch(followed)
      })
    })
  }

  async #look(inputs: readonly FetchInput[]): Promise<void> {
    const names = [...new Set(inputs.map(({ topic }) => topic))]
    // What is wrong with a topic is found out when it is asked for records.
    const topics = await this.#cluster.topics(names, { fresh: true }).catch(() => null)
    if (topics === null) return
    const moved = inputs.filter((one) => {
      const meta = topics.get(one.topic)
      const partition = meta?.partitions[one.partition]
      const { leader } = one
      if (leader === null || meta === undefined || partition === undefined) return false
      return meta.id !== leader.topicId || partition.leaderEpoch > leader.leaderEpoch
    })
    for (const one of moved) one.leader = null
    this.find(moved)
  }

  stop(): void {
    this.#stopLooking?.()
    this.#stopLooking = null
  }
}
