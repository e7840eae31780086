/**
 * A cluster of Kafka brokers in memory, as far as the driver asks: what each of its requests does,
 * and what is answered, as Apache Kafka 4 does it. Time is the clock's; chance, the random's.
 *
 * What it does not have: replication (a leader that is lost takes nothing with it), retention and
 * compaction, quotas, rights, and groups of the newer protocols.
 */
import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import type { Api } from '../wire/api.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { ApiVersionsAnswer } from '../wire/requests/api-versions.ts'
import type { BrokerMeta } from '../wire/cluster.ts'
import type { BrokerState, Handle } from './broker-state.ts'
import { lost } from './lost.ts'
import { ModelFetches } from './model-fetches.ts'
import { ModelGroups } from './model-groups.ts'
import { ModelTopics } from './model-topics.ts'
import { Placement, type CoordinatorKind } from './placement.ts'
import { groupRequests } from './requests-of-groups.ts'
import { produceRequests } from './requests-of-produce.ts'
import { topicRequests } from './requests-of-topics.ts'
import { transactionRequests } from './requests-of-transactions.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'

export interface ModelBrokersOptions {
  readonly clock: Clock
  readonly random: Random
  /** How many brokers. Default 2. */
  readonly nodes?: number
  /** 2: with the second part of KIP-890. Default 2. */
  readonly transactionVersion?: 1 | 2
  /** How long a marker of a transaction is on its way, ms: up to this. Default 10. */
  readonly markerMsMax?: number
  /** The epoch after which a producer gets a new id. Default 32,766, as Kafka has it. */
  readonly epochMax?: number
}

/** How long a coordinator reads what the one before has kept. */
const loadingMs = 20

export class ModelBrokers implements BrokerState {
  readonly clock: Clock
  readonly topics: ModelTopics
  readonly groups: ModelGroups
  readonly transactions: TransactionCoordinator
  readonly fetches: ModelFetches
  readonly placement: Placement
  readonly offer: ApiVersionsAnswer
  readonly #handles: ReadonlyMap<string, Handle>
  /** Called where a broker goes down. */
  readonly #onDown = new Set<(node: number) => void>()

  constructor(options: ModelBrokersOptions) {
    const { clock, random, nodes = 2, transactionVersion = 2 } = options
    this.clock = clock
    const ids = Array.from({ length: nodes }, (_, i) => i + 1)
    this.placement = new Placement(ids)
    this.topics = new ModelTopics(ids)
    this.groups = new ModelGroups({
      clock,
      hasPartition: (place) => this.topics.at(place) !== undefined,
    })
    this.fetches = new ModelFetches({
      clock,
      find: (id, partition) => this.topics.byId(id)?.partitions[partition],
    })
    this.transactions = new TransactionCoordinator({
      clock,
      random,
      markerMsMax: options.markerMsMax ?? 10,
      epochMax: options.epochMax ?? 32_766,
      mark: (touched, as, outcome) => this.#mark(touched, as, outcome),
    })
    const versions = new Map(Array.from({ length: 80 }, (_, key) => [key, { min: 0, max: 99 }]))
    const levels = new Map([['transaction.version', transactionVersion]])
    this.offer = { code: errorCode.none, versions, levels }
    this.#handles = new Map<string, Handle>([
      ...topicRequests(this),
      ...transactionRequests(this),
      ...produceRequests(this),
      ...groupRequests(this),
    ])
  }

  brokerOf(node: number): BrokerMeta {
    return { node, host: `broker-${node}`, port: 9092 }
  }

  get up(): readonly BrokerMeta[] {
    const { placement } = this
    return placement.nodes.flatMap((node) => (placement.isUp(node) ? this.brokerOf(node) : []))
  }

  /** Puts something before what brokers do: for tests with wrong ones. */
  wrap: (handle: () => unknown, name: string, request: unknown) => unknown = (handle) => handle()

  /** What broker `node` does and answers; an answer may be a promise. */
  handle(node: number, api: Api<never, unknown>, request: unknown): unknown {
    const handle = this.#handles.get(api.name)
    if (handle === undefined) throw new Error(`the model knows no ${api.name}`)
    return this.wrap(() => handle(node, request as never, api), api.name, request)
  }

  #mark(
    touched: string,
    as: { readonly producerId: number; readonly epoch: number },
    outcome: 'commit' | 'abort',
  ): void {
    const [kind, name, partition] = JSON.parse(touched) as [string, string, number]
    if (kind === 'group') this.groups.offsetsOf(name).mark(as, outcome)
    else this.topics.at({ topic: name, partition })?.mark(as, outcome)
    this.fetches.changed()
  }

  /** Another broker leads the partition. */
  moveLeader(topic: string, partition: number): void {
    const found = this.topics.at({ topic, partition })
    if (found === undefined) return
    found.lead(this.placement.after(found.leader))
    this.fetches.changed()
  }

  /** Another broker looks after a part of the groups or transactional ids. */
  moveCoordinator(kind: CoordinatorKind, index: number): void {
    const loaded = this.placement.move(kind, index)
    if (kind === 'group') {
      for (const group of this.groups.names) {
        if (this.placement.isIn(group, index)) this.groups.membersOf(group).move()
      }
    }
    this.clock.after(loadingMs, loaded)
  }

  onDown(tell: (node: number) => void): () => void {
    this.#onDown.add(tell)
    return () => this.#onDown.delete(tell)
  }

  /** A broker goes down for a while; others take over what it had. */
  kill(node: number, ms: number): void {
    const { placement } = this
    if (!placement.isUp(node) || placement.after(node) === node) return
    placement.setUp(node, false)
    this.fetches.drop(node, lost('unknown'))
    for (const tell of this.#onDown) tell(node)
    for (const { name, partitions } of this.topics.all) {
      for (const [i, { leader }] of partitions.entries()) {
        if (leader === node) this.moveLeader(name, i)
      }
    }
    for (const { kind, index } of placement.partsOf(node)) this.moveCoordinator(kind, index)
    this.clock.after(ms, () => placement.setUp(node, true))
  }
}
