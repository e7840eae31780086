/** What the tests on a real broker share: a topic of their own, a read-committed reader, faults. */
import { systemClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Random } from '../../../core/random.ts'
import { createAdmin } from '../admin/admin.ts'
import { committedOffsets } from '../admin/committed-offsets.ts'
import { createFetcher } from '../fetch/fetcher.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { Fetcher, FetchSet } from '../contracts.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster, SendOptions, Target } from '../wire/cluster.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import type { AppendOptions } from './appends.ts'

export interface Place {
  readonly cluster: Cluster
  readonly topic: string
  readonly options: AppendOptions
  /** Committed records up to the last stable offset: `offset:value`. */
  read(partition: number): Promise<string[]>
  /** The last stable offset: everything before it is decided. */
  stableEnd(partition: number): Promise<number>
  /** Waits while a transaction is open; null: none. */
  committed(group: string, partition: number): Promise<number | null>
  close(): Promise<void>
}

export async function openPlace(
  brokers: readonly string[],
  topic: string,
  { partitions = 4, recordBytesMax = 1_048_576 } = {},
): Promise<Place> {
  const cluster = await connectCluster({ brokers, clock: systemClock })
  const admin = createAdmin({ cluster, clock: systemClock })
  await admin.createTopic(topic, { partitions, recordBytesMax })
  const fetcher = createFetcher(cluster)
  const followers = new Map<number, Follower>()
  const limits = (name: string): ReturnType<AppendOptions['limits']> => admin.limits(name)
  return {
    cluster,
    topic,
    options: { cluster, compression: 'none', limits },
    read(partition) {
      const known = followers.get(partition) ?? new Follower(cluster, fetcher, topic, partition)
      followers.set(partition, known)
      return known.read()
    },
    stableEnd: (partition) => stableEnd(cluster, topic, partition),
    async committed(group, partition) {
      const [found] = await committedOffsets(cluster, group, [{ topic, partition }])
      return found?.offset ?? null
    },
    async close() {
      await fetcher.close()
      await admin.deleteTopic(topic)
      await cluster.close()
    },
  }
}

async function stableEnd(cluster: Cluster, topic: string, partition: number): Promise<number> {
  const [end = -1] = await listOffsets(cluster, [{ topic, partition }], 'latest')
  return end
}

/** One partition, followed from its start. */
class Follower {
  readonly #place: { readonly topic: string; readonly partition: number }
  readonly #cluster: Cluster
  readonly #set: FetchSet
  readonly #seen: string[] = []
  #next = 0

  constructor(cluster: Cluster, fetcher: Fetcher, topic: string, partition: number) {
    this.#cluster = cluster
    this.#place = { topic, partition }
    const inputs = [{ topic, partition, offset: 0 }]
    this.#set = fetcher.open(inputs, { bytesMax: 8 << 20, outOfRange: 'stop' })
  }

  async read(): Promise<string[]> {
    const { topic, partition } = this.#place
    const end = await stableEnd(this.#cluster, topic, partition)
    while (this.#next < end) {
      const batch = this.#set.poll(0)
      if (batch === null) {
        const state = await this.#set.wait(10_000)
        if (state !== 'ready') throw new Error(`${state} at ${this.#next} of ${end}`)
        continue
      }
      for (let i = batch.first; i < batch.count; i++) {
        this.#seen.push(`${batch.offset(i)}:${batch.value(i)?.toString() ?? ''}`)
      }
      this.#next = batch.nextOffset
    }
    return [...this.#seen]
  }
}

/**
 * `lost-request`: the broker never sees it. `lost-answer`: done, nobody hears of it. `late`: as if
 * the connection was lost, and then the broker finds the request in its buffer.
 */
export type Fault = 'none' | 'lost-request' | 'lost-answer' | 'late'

/** A cluster whose requests meet what `decide` says. Only requests of producers are given to it. */
export function faultyCluster(
  cluster: Cluster,
  decide: (name: string, request: unknown) => Fault,
  lateMs: () => number = () => 5,
): Cluster & { readonly settled: () => Promise<void> } {
  const late = new Set<Promise<unknown>>()
  const lost = (name: string): MillraceError =>
    new MillraceError('log-unreachable', `${name}: connection lost`, { outcome: 'unknown' })
  async function send<Request, Answer>(
    to: Target,
    api: Api<Request, Answer>,
    request: Request,
    options?: SendOptions,
  ): Promise<Answer> {
    const fault = producing.has(api.name) ? decide(api.name, request) : 'none'
    if (fault === 'lost-request') throw lost(api.name)
    if (fault === 'late') {
      const kept = asWritten(request)
      const sending = new Promise<void>((resolve) => systemClock.after(lateMs(), resolve))
        .then(() => cluster.send(to, api, kept, { ...options, lane: 9 }))
        .catch(() => {})
        .finally(() => late.delete(sending))
      late.add(sending)
      throw lost(api.name)
    }
    const answer = await cluster.send(to, api, request, options)
    if (fault === 'lost-answer') throw lost(api.name)
    return answer
  }
  return {
    place: cluster.place,
    clock: cluster.clock,
    state: cluster.state,
    features: () => cluster.features(),
    clusterId: () => cluster.clusterId(),
    brokers: () => cluster.brokers(),
    topics: (names, options) => cluster.topics(names, options),
    allTopics: () => cluster.allTopics(),
    known: (topic) => cluster.known(topic),
    forget: (what) => cluster.forget(what),
    send,
    close: () => cluster.close(),
    settled: async () => void (await Promise.all(late)),
  }
}

/** The bytes that lie in the broker's buffer are not those that the producer uses again. */
function asWritten<Request>(request: Request): Request {
  const { batches } = request as { batches?: readonly { readonly bytes: Buffer }[] }
  if (batches === undefined) return request
  return { ...request, batches: batches.map((one) => ({ ...one, bytes: Buffer.from(one.bytes) })) }
}

const producing: ReadonlySet<string> = new Set([
  'InitProducerId',
  'AddPartitionsToTxn',
  'Produce',
  'AddOffsetsToTxn',
  'TxnOffsetCommit',
  'OffsetCommit',
  'EndTxn',
])

/** One request in `every` meets a fault of `kinds`. */
export function randomFaults(
  random: Random,
  kinds: readonly Fault[],
  every: number,
): { decide: () => Fault; count: () => number } {
  let count = 0
  return {
    decide() {
      if (random.int(every) !== 0) return 'none'
      count += 1
      return kinds[random.int(kinds.length)] ?? 'none'
    },
    count: () => count,
  }
}
