/**
 * A cluster of one broker that answers from a script, for unit tests: topic `t` with one partition,
 * no groups. Its time passes as fast as it is waited for.
 */
import { type Clock, VirtualClock } from '../../../core/clock.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster, Target, TopicMeta } from '../wire/cluster.ts'

/** By the request's name: given in turn, the last one again and again. A function may throw. */
export type Script = Readonly<Record<string, readonly unknown[]>>

export interface ScriptedCluster {
  readonly cluster: Cluster
  /** Names of the requests sent, in order. */
  readonly sent: string[]
  readonly requests: { readonly name: string; readonly to: Target; readonly request: unknown }[]
  readonly forgotten: unknown[]
}

export const topicId = '11111111-1111-1111-1111-111111111111'

const broker = { node: 1, host: 'fake', port: 1 }

const topic: TopicMeta = {
  name: 't',
  id: topicId,
  isInternal: false,
  partitions: [{ partition: 0, leader: 1, leaderEpoch: 0, replicas: [1], isr: [1] }],
}

/** The metadata answer with these topics. */
export function seen(...topics: readonly TopicMeta[]): unknown {
  return { brokers: [broker], clusterId: 'c', topics: topics.map((one) => ({ ...one, code: 0 })) }
}

export const seenTopic: unknown = seen(topic)

const place = { topic: 't', partition: 0 }

const defaults: Script = {
  Metadata: [seenTopic],
  DescribeConfigs: [[{ name: 't', code: 0, reason: null, settings: new Map() }]],
  ListOffsets: [[{ ...place, code: 0, offset: 5 }]],
  DescribeLogDirs: [{ code: 0, sizes: [{ ...place, bytes: 100 }] }],
  ListGroups: [{ code: 0, groups: [] }],
  OffsetFetch: [[]],
}

export function scriptedCluster(script: Script = {}): ScriptedCluster {
  const sent: string[] = []
  const requests: ScriptedCluster['requests'] = []
  const forgotten: unknown[] = []
  const times = new Map<string, number>()
  const clock = fastClock()
  const answer = (name: string): unknown => {
    const answers = script[name] ?? defaults[name] ?? []
    const turn = times.get(name) ?? 0
    times.set(name, turn + 1)
    const one = answers[Math.min(turn, answers.length - 1)]
    return typeof one === 'function' ? (one as () => unknown)() : one
  }
  const topicsNow = (): TopicMeta[] => {
    const { topics } = answer('topics') as { topics: TopicMeta[] }
    return topics
  }
  const cluster: Cluster = {
    place: 'fake:1',
    clock,
    state: { away: null },
    features: async () => ({ level: () => 1, versionMax: () => 99 }),
    clusterId: async () => 'c',
    brokers: async () => [broker],
    topics: async (names) => {
      const all = script['topics'] === undefined ? [topic] : topicsNow()
      return new Map(all.filter(({ name }) => names.includes(name)).map((one) => [one.name, one]))
    },
    allTopics: async () => [topic],
    known: () => topic,
    forget: (what) => void forgotten.push(what),
    send: async <Request, Answer>(to: Target, { name }: Api<Request, Answer>, request: Request) => {
      sent.push(name)
      requests.push({ name, to, request })
      return answer(name) as Answer
    },
    close: async () => {},
  }
  return { cluster, sent, requests, forgotten }
}

/** Whoever waits goes on in the next turn, at the time it waited for. */
function fastClock(): Clock {
  const clock = new VirtualClock()
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    nextTurn: async () => {},
    after: (delayMs, run) => {
      const cancel = clock.after(delayMs, run)
      queueMicrotask(() => clock.advance(delayMs))
      return cancel
    },
  }
}
