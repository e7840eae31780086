/** The brokers of a cluster, reached over links; see cluster.ts for the contract. */
import type { ConnectionOptions } from '@platformatic/kafka'
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Api } from './api.ts'
import type {
  BrokerMeta,
  Cluster,
  ClusterState,
  Features,
  Purpose,
  SendOptions,
  Target,
  TopicMeta,
} from './cluster.ts'
import { codeName, errorCode } from './error-codes.ts'
import { Link } from './link.ts'
import { apiVersions } from './requests/api-versions.ts'
import { findCoordinator } from './requests/find-coordinator.ts'
import { metadata } from './requests/metadata.ts'
import type { MetadataAnswer } from './requests/metadata.ts'
import { pause } from './retrying.ts'
import { unreachable } from './unreachable.ts'

export type ClusterEvent =
  | { readonly kind: 'broker-away'; readonly place: string; readonly reason: string }
  | { readonly kind: 'broker-back'; readonly place: string; readonly awayMs: number }

export interface ConnectOptions {
  /** `host:port`; any of them leads to the others. */
  readonly brokers: readonly string[]
  readonly clock: Clock
  readonly clientId?: string
  /** Default 10,000. */
  readonly requestTimeoutMs?: number
  readonly tls?: NonNullable<ConnectionOptions['tls']>
  readonly sasl?: NonNullable<ConnectionOptions['sasl']>
  readonly notify?: (event: ClusterEvent) => void
}

const connectTimeoutMs = 5_000
const coordinatorLimitMs = 10_000
const coordinatorPauseMs = 20
/** A join is answered when all members have come. */
const joinTimeoutMs = 600_000

/** Resolves at once: the first request connects. @throws `invalid-argument` */
export async function connectCluster(options: ConnectOptions): Promise<Cluster> {
  return new KafkaCluster(options)
}

type Coordinated = { readonly group: string } | { readonly transactionalId: string }

interface Place {
  readonly host: string
  readonly port: number
}

class KafkaCluster implements Cluster {
  readonly place: string
  readonly clock: Clock
  readonly #options: ConnectOptions
  readonly #bootstrap: readonly Place[]
  readonly #links: Map<string, Link> = new Map()
  readonly #coordinators: Map<string, Promise<BrokerMeta>> = new Map()
  readonly #topics: Map<string, TopicMeta> = new Map()
  readonly #stale = new Set<string>()
  readonly #asking: Map<string, Promise<void>> = new Map()
  #brokers: readonly BrokerMeta[] = []
  #clusterId = ''
  #features: Promise<Features> | null = null
  #away: ClusterState['away'] = null
  #turn = 0
  #isClosed = false

  constructor(options: ConnectOptions) {
    this.#options = options
    this.clock = options.clock
    this.place = options.brokers.join(',')
    this.#bootstrap = options.brokers.map(placeOf)
  }

  get state(): ClusterState {
    return { away: this.#away }
  }

  features(): Promise<Features> {
    this.#features ??= this.#askFeatures()
    this.#features.catch(() => (this.#features = null))
    return this.#features
  }

  async #askFeatures(): Promise<Features> {
    const { versions, levels } = await this.#callAny(apiVersions, null)
    return {
      level: (name) => levels.get(name) ?? 0,
      versionMax: (key) => versions.get(key) ?? -1,
    }
  }

  async clusterId(): Promise<string> {
    if (this.#clusterId === '') await this.#askMetadata([])
    return this.#clusterId
  }

  async brokers(): Promise<readonly BrokerMeta[]> {
    if (this.#brokers.length === 0) await this.#askMetadata([])
    return this.#brokers
  }

  known(topic: string): TopicMeta | undefined {
    return this.#topics.get(topic)
  }

  async topics(
    names: readonly string[],
    { fresh = false }: { readonly fresh?: boolean } = {},
  ): Promise<ReadonlyMap<string, TopicMeta>> {
    const isUnknown = (name: string): boolean => this.#stale.has(name) || !this.#topics.has(name)
    const asked = names.filter(isUnknown)
    // A fresh look must not get the answer to an older question.
    if (fresh) await this.#askMetadata(names)
    else if (asked.length > 0) await this.#askTopics(asked)
    const found = new Map<string, TopicMeta>()
    for (const name of names) {
      const meta = this.#topics.get(name)
      if (meta !== undefined) found.set(name, meta)
    }
    return found
  }

  /** Questions about the same topics at the same time are one. */
  #askTopics(names: readonly string[]): Promise<void> {
    const key = names.toSorted().join(' ')
    const running = this.#asking.get(key)
    if (running !== undefined) return running
    const asking = this.#askMetadata(names).then(() => {})
    this.#asking.set(key, asking)
    const forget = (): void => void this.#asking.delete(key)
    asking.then(forget, forget)
    return asking
  }

  async allTopics(): Promise<readonly TopicMeta[]> {
    const { topics } = await this.#askMetadata(null)
    return topics.filter(({ code }) => code === 0)
  }

  async #askMetadata(names: readonly string[] | null): Promise<MetadataAnswer> {
    const answer = await this.#call('any', metadata, { topics: names })
    if (answer.brokers.length > 0) this.#brokers = answer.brokers
    this.#clusterId = answer.clusterId
    for (const topic of answer.topics) {
      this.#stale.delete(topic.name)
      if (topic.code === errorCode.topicAuthorizationFailed && names !== null) {
        throw new MillraceError('not-authorised', `no right to describe topic '${topic.name}'`, {
          at: { topic: topic.name },
          hint: 'give this user the ACL Describe on the topic',
        })
      }
      const isThere = topic.code === errorCode.none || topic.code === errorCode.leaderNotAvailable
      if (isThere) this.#topics.set(topic.name, topic)
      else this.#topics.delete(topic.name)
    }
    return answer
  }

  forget(what: Parameters<Cluster['forget']>[0]): void {
    if ('topic' in what) this.#stale.add(what.topic)
    else this.#coordinators.delete(coordinatorKey(what))
  }

  async send<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Answer> {
    const features = await this.features()
    const offered = features.versionMax(api.key)
    if (offered < api.version) {
      throw new MillraceError(
        'log-unsupported',
        `${api.name} is needed in version ${api.version}, the broker has ${offered}`,
        { hint: 'use Apache Kafka 3.9 or newer' },
      )
    }
    return await this.#call(to, api, request, options)
  }

  async #call<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    request: Request,
    { purpose = 'control', lane = 0 }: SendOptions = {},
  ): Promise<Answer> {
    if (this.#isClosed) throw closed()
    if (to === 'any') return await this.#callAny(api, request)
    const broker = 'node' in to ? await this.#broker(to.node) : await this.#coordinator(to)
    const link = this.#link(broker, purpose, lane)
    try {
      return await this.#heard(link.call(api, request), broker)
    } catch (thrown) {
      if (!('node' in to)) this.forget(to)
      throw thrown
    }
  }

  /** Whichever broker answers; those that are known first. */
  async #callAny<Request, Answer>(api: Api<Request, Answer>, request: Request): Promise<Answer> {
    const places: readonly Place[] = [...this.#brokers, ...this.#bootstrap]
    let last: unknown = null
    for (let i = 0; i < places.length; i++) {
      if (this.#isClosed) throw closed()
      const place = places[(this.#turn + i) % places.length] as Place
      try {
        return await this.#heard(this.#link(place, 'control', 0).call(api, request), place)
      } catch (thrown) {
        if (thrown instanceof MillraceError && thrown.code !== 'log-unreachable') throw thrown
        last = thrown
        this.#turn = (this.#turn + i + 1) % places.length
      }
    }
    throw last
  }

  /** Maps what the library throws, and notes whether anybody answers. */
  async #heard<Answer>(call: Promise<Answer>, { host, port }: Place): Promise<Answer> {
    try {
      const answer = await call
      this.#back()
      return answer
    } catch (thrown) {
      if (this.#isClosed) throw closed()
      const error = unreachable(thrown, `${host}:${port}`)
      if (error.code === 'log-unreachable') this.#gone(error.message)
      throw error
    }
  }

  #gone(reason: string): void {
    if (this.#away !== null) return
    this.#away = { sinceMs: this.clock.now(), reason }
    this.#options.notify?.({ kind: 'broker-away', place: this.place, reason })
  }

  #back(): void {
    if (this.#away === null) return
    const awayMs = this.clock.now() - this.#away.sinceMs
    this.#away = null
    this.#options.notify?.({ kind: 'broker-back', place: this.place, awayMs })
  }

  async #broker(node: number): Promise<BrokerMeta> {
    const find = (): BrokerMeta | undefined => this.#brokers.find((one) => one.node === node)
    if (find() === undefined) await this.#askMetadata([])
    const found = find()
    if (found !== undefined) return found
    throw new MillraceError('log-unreachable', `broker ${node} is not there`)
  }

  #coordinator(of: Coordinated): Promise<BrokerMeta> {
    const key = coordinatorKey(of)
    const known = this.#coordinators.get(key)
    if (known !== undefined) return known
    const asked = this.#askCoordinator(of)
    this.#coordinators.set(key, asked)
    asked.catch(() => this.#coordinators.delete(key))
    return asked
  }

  async #askCoordinator(of: Coordinated): Promise<BrokerMeta> {
    const [kind, key] =
      'group' in of
        ? (['group', of.group] as const)
        : (['transaction', of.transactionalId] as const)
    const endMs = this.clock.monotonic() + coordinatorLimitMs
    let { code, broker } = await this.#call('any', findCoordinator, { key, kind })
    // The topic of all groups, or of all transactions, is made with the first.
    while (code === errorCode.coordinatorNotAvailable && this.clock.monotonic() < endMs) {
      await pause(this.clock, coordinatorPauseMs)
      ;({ code, broker } = await this.#call('any', findCoordinator, { key, kind }))
    }
    if (code === errorCode.none) return broker
    const what = `the coordinator of ${kind} '${key}'`
    const refusals: readonly number[] = [
      errorCode.groupAuthorizationFailed,
      errorCode.transactionalIdAuthorizationFailed,
      errorCode.clusterAuthorizationFailed,
    ]
    if (refusals.includes(code)) {
      throw new MillraceError('not-authorised', `no right to ask for ${what}: ${codeName(code)}`, {
        hint: `give this user the ACLs Describe and Read or Write on the ${kind}`,
      })
    }
    throw new MillraceError('log-unreachable', `${what} is not available: ${codeName(code)}`)
  }

  #link({ host, port }: Place, purpose: Purpose, lane: number): Link {
    const key = `${host}:${port} ${purpose} ${lane}`
    const known = this.#links.get(key)
    if (known !== undefined) return known
    const { clock, clientId = 'millrace', requestTimeoutMs = 10_000, tls, sasl } = this.#options
    const link = new Link({
      clock,
      clientId,
      host,
      port,
      connection: {
        connectTimeout: connectTimeoutMs,
        requestTimeout: purpose === 'join' ? joinTimeoutMs : requestTimeoutMs,
        ...(tls === undefined ? {} : { tls }),
        ...(sasl === undefined ? {} : { sasl }),
      },
    })
    this.#links.set(key, link)
    return link
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#links.values()].map((link) => link.close()))
  }
}

function coordinatorKey(of: Coordinated): string {
  return 'group' in of ? `group ${of.group}` : `transaction ${of.transactionalId}`
}

function placeOf(text: string): Place {
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  const host = text.slice(0, at).replace(/^\[|\]$/g, '')
  if (at > 0 && Number.isInteger(port) && port > 0 && port < 65_536) return { host, port }
  throw new MillraceError('invalid-argument', `'${text}' is no broker`, {
    hint: 'write host:port, for instance 127.0.0.1:9092',
  })
}

function closed(): MillraceError {
  return new MillraceError('log-closed', 'the Kafka log was closed')
}
