/**
 * Brokers that answer Fetch as Kafka does, with sessions [KIP-227] and long polls, on a virtual
 * clock; for tests. Metadata is what is so, unless `stale` says otherwise.
 */
import assert from 'node:assert/strict'
import { VirtualClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import { ModelFetches } from '../model/model-fetches.ts'
import type { Api } from '../wire/api.ts'
import type { BrokerMeta, Cluster, SendOptions, Target, TopicMeta } from '../wire/cluster.ts'
import type { FetchAnswer, FetchRequest } from '../wire/requests/fetch.ts'
import type { ListOffsetsRequest } from '../wire/requests/list-offsets.ts'
import { ModelPartition } from '../model/model-partition.ts'

export interface SentFetch extends FetchRequest {
  readonly node: number
  readonly lane: number
  readonly atMs: number
}

const roundTripMs = 1

export class ModelCluster implements Cluster {
  readonly place = 'model:1'
  readonly clock = new VirtualClock()
  readonly state = { away: null }
  readonly sent: SentFetch[] = []
  readonly down = new Set<number>()
  readonly partitions = new Map<string, ModelPartition>()
  readonly ids = new Map<string, string>()
  readonly forgotten: string[] = []
  asked = 0
  /** Called with each Fetch; what it gives is the answer, or thrown. */
  meet: ((request: SentFetch) => FetchAnswer | MillraceError | null) | null = null
  /** Whether an answer, with all that came of the request, is lost on its way. */
  losesAnswer: () => boolean = () => false
  /** Given instead of what is so. */
  refuseTopics: MillraceError | null = null
  readonly #fetches = new ModelFetches({
    clock: this.clock,
    find: (topicId, partition) => {
      const name = [...this.ids].find(([, id]) => id === topicId)?.[0]
      return this.partitions.get(`${name}/${partition}`)
    },
  })
  readonly #inFlight = new Map<string, number>()

  addTopic(name: string, partitions: number, leaderOf: (partition: number) => number): void {
    const number = String(this.ids.size + 1).padStart(12, '0')
    this.ids.set(name, `00000000-0000-0000-0000-${number}`)
    for (let i = 0; i < partitions; i++) {
      this.partitions.set(`${name}/${i}`, new ModelPartition(this.#id(name), i, leaderOf(i)))
    }
  }

  removeTopic(name: string): void {
    this.ids.delete(name)
    for (const key of this.partitions.keys()) {
      if (key.startsWith(`${name}/`)) this.partitions.delete(key)
    }
    this.changed()
  }

  #id(name: string): string {
    return this.ids.get(name) ?? ''
  }

  at(topic: string, partition: number): ModelPartition {
    const found = this.partitions.get(`${topic}/${partition}`)
    assert.ok(found !== undefined)
    return found
  }

  /** Whoever waits looks again. */
  changed(): void {
    this.#fetches.changed()
  }

  /** False: brokers have no room for sessions. */
  set keepsSessions(keeps: boolean) {
    this.#fetches.keepsSessions = keeps
  }

  kill(node: number): void {
    this.down.add(node)
    this.#fetches.drop(node, lost('unknown'))
  }

  forgetSessions(): void {
    this.#fetches.forgetSessions()
  }

  /** Time passes, ms by ms, with what follows from it. */
  async run(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      await settled()
      this.clock.advance(1)
    }
    await settled()
  }

  async features(): Promise<{ level(): number; versionMax(): number }> {
    return { level: () => 1, versionMax: () => 99 }
  }

  async clusterId(): Promise<string> {
    return 'model'
  }

  async brokers(): Promise<readonly BrokerMeta[]> {
    return []
  }

  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMeta>> {
    this.asked += 1
    if (this.refuseTopics !== null) throw this.refuseTopics
    const found = names.filter((name) => this.ids.has(name))
    return new Map(found.map((name) => [name, this.#meta(name)]))
  }

  async allTopics(): Promise<readonly TopicMeta[]> {
    return [...this.ids.keys()].map((name) => this.#meta(name))
  }

  known(topic: string): TopicMeta | undefined {
    return this.ids.has(topic) ? this.#meta(topic) : undefined
  }

  #meta(name: string): TopicMeta {
    const partitions: TopicMeta['partitions'][number][] = []
    for (let i = 0; ; i++) {
      const one = this.partitions.get(`${name}/${i}`)
      if (one === undefined) break
      const leader = this.down.has(one.leader) ? -1 : one.leader
      partitions.push({ partition: i, leader, leaderEpoch: one.epoch, replicas: [], isr: [] })
    }
    return { name, id: this.#id(name), isInternal: false, partitions }
  }

  forget(what: Parameters<Cluster['forget']>[0]): void {
    this.forgotten.push(Object.values(what).join())
  }

  async close(): Promise<void> {}

  async send<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    request: Request,
    { lane = 0 }: SendOptions = {},
  ): Promise<Answer> {
    const node = typeof to === 'object' && 'node' in to ? to.node : -1
    if (api.name === 'ListOffsets') {
      return this.#listOffsets(request as ListOffsetsRequest) as Answer
    }
    assert.equal(api.name, 'Fetch')
    const line = `${node} ${lane}`
    const inFlight = (this.#inFlight.get(line) ?? 0) + 1
    assert.equal(inFlight, 1, 'a connection has one request at a time')
    this.#inFlight.set(line, inFlight)
    try {
      return (await this.#fetch(node, lane, request as FetchRequest)) as Answer
    } finally {
      this.#inFlight.set(line, 0)
    }
  }

  #listOffsets({ places, timestamp }: ListOffsetsRequest): unknown {
    return places.map((place) => {
      const one = this.at(place.topic, place.partition)
      return { ...place, code: 0, offset: timestamp === -2 ? one.start : one.stableEnd }
    })
  }

  async #fetch(node: number, lane: number, request: FetchRequest): Promise<FetchAnswer> {
    const sent = { ...request, node, lane, atMs: this.clock.monotonic() }
    this.sent.push(sent)
    await this.#pass(roundTripMs)
    if (this.down.has(node)) throw lost('not-applied')
    const met = this.meet?.(sent) ?? null
    if (met instanceof MillraceError) throw met
    if (met !== null) return met
    const answer = await this.#fetches.answer(node, request)
    if (this.losesAnswer()) throw lost('unknown')
    return answer
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }
}

export function lost(outcome: 'unknown' | 'not-applied'): MillraceError {
  return new MillraceError('log-unreachable', 'the connection was lost', { outcome })
}

/** What waits in the event loop has had its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
