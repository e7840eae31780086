/**
 * Brokers learn of a change one after another, within some ms. Whoever changes a topic waits until
 * all of them know, so that whatever is asked next finds it, whoever is asked.
 */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { describeConfigs } from '../wire/requests/describe-configs.ts'
import { metadata } from '../wire/requests/metadata.ts'
import { retrying, TryAgain } from '../wire/retrying.ts'
import { refusal } from './refusal.ts'
import { settingNames } from './topic-settings.ts'

/** Longer than a cluster needs to replace a broker that died (about 10 s). */
const limitMs = 30_000

/** @throws `log-unreachable` where it takes too long · `not-authorised` */
export async function seenEverywhere(
  cluster: Cluster,
  topic: string,
  isMet: (meta: TopicMeta | undefined) => boolean,
): Promise<void> {
  await untilAll(cluster, topic, async (node) => {
    return isMet(await seenNow(cluster, topic, { node }))
  })
  // What this process remembers must be as new.
  cluster.forget({ topic })
  await until(cluster, topic, async () => {
    const topics = await cluster.topics([topic], { fresh: true })
    return isMet(topics.get(topic))
  })
}

/**
 * The topic as one broker sees it, asked anew, without what this process remembers: that is shared
 * with fetches and appends, which do not ask again and again. undefined: it is not there.
 * @throws `not-authorised` · `log-unreachable`
 */
export async function seenNow(
  cluster: Cluster,
  topic: string,
  from: 'any' | { readonly node: number } = 'any',
): Promise<TopicMeta | undefined> {
  const answer = await cluster.send(from, metadata, { topics: [topic] })
  const found = answer.topics.find(({ name }) => name === topic)
  if (found?.code === errorCode.topicAuthorizationFailed) {
    throw refusal(found.code, {
      failed: `topic '${topic}' cannot be seen`,
      right: `Describe on topic ${topic}`,
      at: { topic },
    })
  }
  return found?.code === errorCode.none ? found : undefined
}

/** Until all brokers give these settings of the topic. */
export async function settingsEverywhere(
  cluster: Cluster,
  topic: string,
  isMet: (settings: ReadonlyMap<string, string | null>) => boolean,
): Promise<void> {
  await untilAll(cluster, topic, async (node) => {
    const request = { topics: [topic], settings: settingNames }
    const [found] = await cluster.send({ node }, describeConfigs, request)
    return found?.code === errorCode.none && isMet(found.settings)
  })
}

async function untilAll(
  cluster: Cluster,
  topic: string,
  look: (node: number) => Promise<boolean>,
): Promise<void> {
  await until(cluster, topic, async () => {
    const nodes = (await cluster.brokers()).map(({ node }) => node)
    const looks = await Promise.all(nodes.map((node) => look(node).catch(absent)))
    // Of the brokers that answer there must be one.
    return !looks.includes(false) && looks.includes(true)
  })
}

/** A broker that is down learns of it before it serves anybody. */
function absent(thrown: unknown): null {
  if (isCode(thrown, 'log-unreachable')) return null
  throw thrown
}

async function until(cluster: Cluster, topic: string, look: () => Promise<boolean>): Promise<void> {
  const tooLong = new MillraceError(
    'log-unreachable',
    `the change of topic '${topic}' has not reached all brokers within ${limitMs / 1000} s`,
    { at: { topic }, outcome: 'unknown', hint: 'look at the state of the brokers, then try again' },
  )
  const once = async (): Promise<void> => {
    if (!(await look())) throw new TryAgain(tooLong)
  }
  await retrying(once, { clock: cluster.clock, limitMs, pauseMs: 5, pauseMsMax: 100 })
}
