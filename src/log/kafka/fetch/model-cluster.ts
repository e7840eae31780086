/**
 * Brokers that answer Fetch as Kafka does, with sessions [KIP-227] and long polls, on a virtual
 * clock; for tests. Metadata is what is so, unless `stale` says otherwise.
 */
import assert from 'node:assert/strict'
import { VirtualClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Api } from '../wire/api.ts'
import type { BrokerMeta, Cluster, SendOptions, Target, TopicMeta } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import type {
  FetchAnswer,
  FetchedPartition,
  FetchPartition,
  FetchRequest,
} from '../wire/requests/fetch.ts'
import type { ListOffsetsRequest } from '../wire/requests/list-offsets.ts'
import { ModelPartition } from './model-partition.ts'

interface SessionState {
  epoch: number
  readonly parts: Map<string, FetchPartition & { heard: string }>
}

interface Opened {
  readonly key: string
  readonly state: SessionState
}

interface Waiter {
  readonly node: number
  readonly look: () => void
  readonly fail: (thrown: unknown) => void
}

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
  /** False: brokers have no room for sessions. */
  keepsSessions = true
  /** Whether an answer, with all that came of the request, is lost on its way. */
  losesAnswer: () => boolean = () => false
  /** Given instead of what is so. */
  refuseTopics: MillraceError | null = null
  readonly #sessions = new Map<string, SessionState>()
  readonly #waiters = new Set<Waiter>()
  readonly #inFlight = new Map<string, number>()
  #sessionCount = 0

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
    for (const waiter of this.#waiters) waiter.look()
  }

  kill(node: number): void {
    this.down.add(node)
    for (const waiter of this.#waiters) {
      if (waiter.node === node) waiter.fail(lost('unknown'))
    }
    for (const key of this.#sessions.keys()) {
      if (key.startsWith(`${node} `)) this.#sessions.delete(key)
    }
  }

  forgetSessions(): void {
    this.#sessions.clear()
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
    const answer = await this.#wait(node, request, this.#open(node, request))
    if (this.losesAnswer()) throw lost('unknown')
    return answer
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }

  /** The session that the request opens or goes on with; null: none; a code: it is refused. */
  #open(node: number, request: FetchRequest): Opened | null | number {
    const { sessionId, sessionEpoch, partitions, forgotten } = request
    if (sessionEpoch === -1 || !this.keepsSessions) return null
    if (sessionEpoch === 0) {
      this.#sessions.delete(`${node} ${sessionId}`)
      this.#sessionCount += 1
      const key = `${node} ${this.#sessionCount}`
      const state: SessionState = { epoch: 0, parts: new Map() }
      this.#sessions.set(key, state)
      for (const one of partitions) state.parts.set(nameOf(one), { ...one, heard: '' })
      return { key, state }
    }
    const key = `${node} ${sessionId}`
    const state = this.#sessions.get(key)
    if (state === undefined) return errorCode.fetchSessionIdNotFound
    if (sessionEpoch !== state.epoch + 1) return errorCode.invalidFetchSessionEpoch
    state.epoch = sessionEpoch
    for (const one of partitions) {
      state.parts.set(nameOf(one), { ...one, heard: state.parts.get(nameOf(one))?.heard ?? '' })
    }
    for (const one of forgotten) {
      assert.ok(state.parts.delete(nameOf(one)), `${nameOf(one)} is not in the session`)
    }
    return { key, state }
  }

  async #wait(
    node: number,
    request: FetchRequest,
    session: Opened | null | number,
  ): Promise<FetchAnswer> {
    if (typeof session === 'number') return { code: session, sessionId: 0, partitions: [] }
    const wanted = session === null ? request.partitions : [...session.state.parts.values()]
    const sessionId = session === null ? 0 : Number(session.key.split(' ')[1])
    const now = (): FetchedPartition[] => this.#read(node, wanted, request.bytesMax)
    let parts = now()
    if (request.waitMs > 0 && parts.every(isEmpty)) {
      await new Promise<void>((resolve, reject) => {
        const end = (): void => {
          this.#waiters.delete(waiter)
          cancel()
        }
        const waiter: Waiter = {
          node,
          look: () => {
            parts = now()
            if (parts.every(isEmpty)) return
            end()
            resolve()
          },
          fail: (thrown) => {
            end()
            reject(thrown as Error)
          },
        }
        this.#waiters.add(waiter)
        const cancel = this.clock.after(request.waitMs, () => {
          end()
          resolve()
        })
      })
      parts = now()
    }
    if (session !== null) {
      const { state } = session
      if (request.sessionEpoch > 0) parts = parts.filter((one) => hasChanged(state, one))
      for (const one of parts) {
        const cached = state.parts.get(nameOf(one))
        if (cached === undefined) continue
        cached.heard = heardOf(one)
        if (one.records === null) continue
        state.parts.delete(nameOf(one)) // others come first the next time
        state.parts.set(nameOf(one), cached)
      }
    }
    return { code: 0, sessionId, partitions: parts }
  }

  #read(node: number, wanted: readonly FetchPartition[], bytesMax: number): FetchedPartition[] {
    let left = bytesMax
    let mayExceed = true
    return wanted.map((one) => {
      const name = [...this.ids].find(([, id]) => id === one.topicId)?.[0]
      const found = this.partitions.get(`${name}/${one.partition}`)
      if (found === undefined) return refused(one, errorCode.unknownTopicId)
      if (found.leader !== node) return refused(one, errorCode.notLeaderOrFollower)
      const answer = found.read(one, Math.min(left, one.bytesMax), mayExceed)
      if (answer.records !== null) {
        mayExceed = false
        left = Math.max(0, left - answer.records.length)
      }
      return answer
    })
  }
}

export function lost(outcome: 'unknown' | 'not-applied'): MillraceError {
  return new MillraceError('log-unreachable', 'the connection was lost', { outcome })
}

/** What waits in the event loop has had its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function nameOf({ topicId, partition }: { topicId: string; partition: number }): string {
  return `${topicId} ${partition}`
}

function heardOf({ lastStableOffset, startOffset }: FetchedPartition): string {
  return `${lastStableOffset} ${startOffset}`
}

function hasChanged(state: SessionState, one: FetchedPartition): boolean {
  return !isEmpty(one) || state.parts.get(nameOf(one))?.heard !== heardOf(one)
}

function isEmpty({ code, records, diverging }: FetchedPartition): boolean {
  return code === 0 && records === null && diverging === null
}

function refused({ topicId, partition }: FetchPartition, code: number): FetchedPartition {
  const nothing = { lastStableOffset: -1, startOffset: -1, aborted: [], diverging: null }
  return { topicId, partition, code, records: null, ...nothing }
}
