/** The brokers of a cluster, reached over links; see cluster.ts for the contract. */
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import { systemRandom } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import type { Api } from './api.ts'
import { BrokerHealth } from './broker-health.ts'
import type {
  BrokerMeta,
  Cluster,
  ClusterState,
  Features,
  SendOptions,
  Target,
  TopicMeta,
} from './cluster.ts'
import { Coordinators } from './coordinators.ts'
import type { Coordinated } from './coordinators.ts'
import { loadLibrary } from './library.ts'
import { Line } from './line.ts'
import type { MakeLine } from './line.ts'
import { Link, closed } from './link.ts'
import { MetadataCache } from './metadata-cache.ts'
import { addressOf, placeOf } from './place.ts'
import type { Address } from './place.ts'
import { apiVersions } from './requests/api-versions.ts'
import type { VersionRange } from './requests/api-versions.ts'
import { findCoordinator } from './requests/find-coordinator.ts'
import { metadata } from './requests/metadata.ts'
import type { MetadataAnswer } from './requests/metadata.ts'
import { securityOf } from './security.ts'
import type { SaslOptions, TlsOptions } from './security.ts'

/** Of one broker; each only where its state changes. */
export type ClusterEvent =
  | {
      readonly kind: 'broker-away'
      /** `host:port` */
      readonly place: string
      readonly reason: string
      readonly sinceMs: number
    }
  | { readonly kind: 'broker-back'; readonly place: string; readonly awayMs: number }

export interface ConnectOptions {
  /** `host:port`; any of them leads to the others. */
  readonly brokers: readonly string[]
  readonly clock: Clock
  /** For the jitter of pauses; default the machine's. */
  readonly random?: Random
  /** Seen in the brokers' logs and quotas. Default `millrace`. */
  readonly clientId?: string
  /** Default 10,000. */
  readonly requestTimeoutMs?: number
  /** True: TLS with the CAs that Node trusts. Default false. */
  readonly tls?: boolean | TlsOptions
  /** Default: no login. */
  readonly sasl?: SaslOptions
  readonly notify?: (event: ClusterEvent) => void
}

const usualTimeoutMs = 10_000
/** A broker that does not take a connection or greet within this is passed over. */
const openTimeoutMsMax = 5_000
/** A join is answered when all members have come; whoever sends one knows better. */
const joinTimeoutMs = 600_000

/** They change nothing, so another broker may be asked the same. */
const questions: ReadonlySet<number> = new Set([apiVersions.key, metadata.key, findCoordinator.key])

/**
 * Resolves without a broker: the first request connects.
 * @throws `invalid-argument`, `file-not-found` (certificates), `missing-dependency`
 */
export async function connectCluster(options: ConnectOptions): Promise<Cluster> {
  if (options.brokers.length === 0) {
    throw new MillraceError('invalid-argument', 'the list of brokers is empty', {
      hint: 'give at least one, for instance 127.0.0.1:9092',
    })
  }
  const { clock, clientId = 'millrace' } = options
  const bootstrap = options.brokers.map(addressOf)
  const security = await securityOf(options)
  const library = await loadLibrary()
  const makeLine: MakeLine = (line) => new Line({ ...line, library, clock, clientId, security })
  return new KafkaCluster({ options, bootstrap, makeLine })
}

/** A cluster whose connections are of another make. */
export function clusterOver(options: ConnectOptions, makeLine: MakeLine): Cluster {
  return new KafkaCluster({ options, bootstrap: options.brokers.map(addressOf), makeLine })
}

interface Parts {
  readonly options: ConnectOptions
  readonly bootstrap: readonly Address[]
  readonly makeLine: MakeLine
}

class KafkaCluster implements Cluster {
  readonly place: string
  readonly clock: Clock
  readonly #parts: Parts
  readonly #links = new Map<string, Link>()
  readonly #health = new Map<string, BrokerHealth>()
  readonly #coordinators: Coordinators
  readonly #metadata: MetadataCache
  /** Of each broker, as it said at its last connection. */
  readonly #versions = new Map<string, ReadonlyMap<number, VersionRange>>()
  #levels: ReadonlyMap<string, number> = new Map()
  #brokers: ReadonlyMap<number, BrokerMeta> = new Map()
  #learning: Promise<MetadataAnswer> | null = null
  #clusterId = ''
  #away: ClusterState['away'] = null
  #turn = 0
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.clock = parts.options.clock
    this.place = parts.bootstrap.map(placeOf).join(',')
    this.#coordinators = new Coordinators({
      clock: this.clock,
      ask: (request) => this.#any(findCoordinator, request, {}),
      madeWithinMs: parts.options.requestTimeoutMs ?? usualTimeoutMs,
    })
    const ask = (topics: readonly string[] | null): Promise<MetadataAnswer> => this.#ask(topics)
    this.#metadata = new MetadataCache({ clock: this.clock, ask })
  }

  get state(): ClusterState {
    return { away: this.#away }
  }

  async features(): Promise<Features> {
    this.#check()
    if (this.#versions.size === 0) await this.#any(apiVersions, null, {})
    return {
      level: (name) => this.#levels.get(name) ?? 0,
      versionMax: (key) => {
        const offers = [...this.#versions.values()].map((offer) => offer.get(key)?.max ?? -1)
        return offers.length === 0 ? -1 : Math.min(...offers)
      },
    }
  }

  async clusterId(): Promise<string> {
    this.#check()
    if (this.#clusterId === '') await this.#learnBrokers()
    return this.#clusterId
  }

  async brokers(): Promise<readonly BrokerMeta[]> {
    this.#check()
    if (this.#brokers.size === 0) await this.#learnBrokers()
    return [...this.#brokers.values()]
  }

  known(topic: string): TopicMeta | undefined {
    return this.#metadata.known(topic)
  }

  async topics(
    names: readonly string[],
    { fresh = false }: { readonly fresh?: boolean } = {},
  ): Promise<ReadonlyMap<string, TopicMeta>> {
    this.#check()
    return await this.#metadata.topics(names, fresh)
  }

  async allTopics(): Promise<readonly TopicMeta[]> {
    this.#check()
    return await this.#metadata.all()
  }

  forget(what: { readonly topic: string } | Coordinated): void {
    if ('topic' in what) this.#metadata.forget(what.topic)
    else this.#coordinators.forget(what)
  }

  /** Where the broker is known this sends before it returns, so that calls keep their order. */
  async send<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Answer> {
    this.#check()
    if (to === 'any') return await this.#any(api, request, options)
    if ('node' in to) {
      const known = this.#brokers.get(to.node)
      const isUsable = known !== undefined && this.#healthOf(known).away === null
      const broker = isUsable ? known : await this.#broker(to.node)
      return await this.#call(broker, api, request, options)
    }
    const broker = this.#coordinators.known(to) ?? (await this.#coordinators.find(to))
    try {
      return await this.#call(broker, api, request, options)
    } catch (thrown) {
      this.#coordinators.forget(to)
      throw thrown
    }
  }

  #call<Request, Answer>(
    address: Address,
    api: Api<Request, Answer>,
    request: Request,
    options: SendOptions,
  ): Promise<Answer> {
    const { requestTimeoutMs = usualTimeoutMs } = this.#parts.options
    const usualMs = options.purpose === 'join' ? joinTimeoutMs : requestTimeoutMs
    const link = this.#link(address, options)
    return link.call(api, request, options.timeoutMs ?? usualMs)
  }

  /**
   * Whichever broker answers: those that are known, then the bootstrap list. Another one is tried
   * only where the request cannot have been sent, or is a mere question.
   */
  async #any<Request, Answer>(
    api: Api<Request, Answer>,
    request: Request,
    options: SendOptions,
  ): Promise<Answer> {
    let last: unknown = closed()
    for (const address of this.#candidates()) {
      this.#check()
      try {
        return await this.#call(address, api, request, options)
      } catch (thrown) {
        if (!(thrown instanceof MillraceError) || thrown.code !== 'log-unreachable') throw thrown
        if (thrown.outcome === 'unknown' && !questions.has(api.key)) throw thrown
        last = thrown
        this.#turn += 1
      }
    }
    throw last
  }

  /** Those last that did not answer. Another one comes first after each failure. */
  #candidates(): readonly Address[] {
    const places = new Map<string, Address>()
    for (const address of [...this.#brokers.values(), ...this.#parts.bootstrap]) {
      places.set(placeOf(address), address)
    }
    const all = [...places.values()]
    const first = this.#turn % all.length
    const turned = [...all.slice(first), ...all.slice(0, first)]
    const isAway = (address: Address): boolean => this.#healthOf(address).away !== null
    return [...turned.filter((one) => !isAway(one)), ...turned.filter(isAway)]
  }

  /** Asked anew also where it is known but does not answer: its address may have changed. */
  async #broker(node: number): Promise<BrokerMeta> {
    await this.#learnBrokers()
    const found = this.#brokers.get(node)
    if (found !== undefined) return found
    throw new MillraceError('log-unreachable', `broker ${node} is not in the cluster now`, {
      hint: 'the brokers leave out those that they have lost: is it up?',
    })
  }

  async #learnBrokers(): Promise<void> {
    this.#learning ??= this.#ask([]).finally(() => {
      this.#learning = null
    })
    await this.#learning
  }

  async #ask(topics: readonly string[] | null): Promise<MetadataAnswer> {
    const answer = await this.#any(metadata, { topics }, {})
    this.#clusterId = answer.clusterId
    if (answer.brokers.length > 0) {
      this.#brokers = new Map(answer.brokers.map((broker) => [broker.node, broker]))
      this.#prune()
    }
    return answer
  }

  /** Closes what leads to addresses where no broker is any more. */
  #prune(): void {
    const places = new Set(this.#candidates().map(placeOf))
    for (const [key, link] of this.#links) {
      const place = key.slice(0, key.indexOf(' '))
      if (places.has(place) || !link.isIdle) continue
      this.#links.delete(key)
      this.#versions.delete(place)
      this.#health.delete(place)
      void link.close()
    }
  }

  #link(address: Address, { purpose = 'control', lane = 0 }: SendOptions): Link {
    const place = placeOf(address)
    const key = `${place} ${purpose} ${lane}`
    const known = this.#links.get(key)
    if (known !== undefined) return known
    const { options, makeLine } = this.#parts
    const { requestTimeoutMs = openTimeoutMsMax } = options
    const health = this.#healthOf(address)
    const link = new Link({
      clock: this.clock,
      makeLine,
      host: address.host,
      port: address.port,
      openTimeoutMs: Math.min(requestTimeoutMs, openTimeoutMsMax),
      health,
      onOffer: ({ versions, levels }) => {
        this.#versions.set(place, versions)
        this.#levels = levels
      },
      onFailure: (reason) => {
        if (!this.#isClosed) this.#failed(health, reason)
      },
    })
    this.#links.set(key, link)
    return link
  }

  #healthOf(address: Address): BrokerHealth {
    const place = placeOf(address)
    const known = this.#health.get(place)
    if (known !== undefined) return known
    const { random = systemRandom } = this.#parts.options
    const health = new BrokerHealth({
      clock: this.clock,
      random,
      onAnswer: () => (this.#away = null),
      onAway: (away) => this.#tell({ kind: 'broker-away', place, ...away }),
      onBack: (awayMs) => this.#tell({ kind: 'broker-back', place, awayMs }),
    })
    this.#health.set(place, health)
    return health
  }

  #failed(health: BrokerHealth, reason: string): void {
    health.failed(reason)
    const isAnyUp = [...this.#health.values()].some((one) => one.away === null && one.lineCount > 0)
    if (!isAnyUp) this.#away = { sinceMs: this.#away?.sinceMs ?? this.clock.now(), reason }
  }

  #check(): void {
    if (this.#isClosed) throw closed()
  }

  /** In a turn of its own: what it throws does not break off what is being done here. */
  #tell(event: ClusterEvent): void {
    const { notify } = this.#parts.options
    if (notify !== undefined) queueMicrotask(() => notify(event))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#metadata.close()
    await Promise.all([...this.#links.values()].map((link) => link.close()))
  }
}
