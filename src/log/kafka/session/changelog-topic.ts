/** A changelog's topic: made with settings of its own, and looked at where it is there already. */
import { isCode, MillraceError } from '../../../core/error.ts'
import type { KafkaAdmin } from '../admin/admin.ts'
import { changelogFault, changelogSettings } from '../admin/changelog-settings.ts'
import { seenNow } from '../admin/everywhere.ts'
import { topicSettings } from '../admin/topic-infos.ts'
import type { Cluster } from '../wire/cluster.ts'

export interface ChangelogTopicOptions {
  readonly cluster: Cluster
  readonly admin: KafkaAdmin
  readonly topic: string
  /** It gets at least so many. */
  readonly partitions: number
}

/**
 * Makes the topic where it is not there. One that is there, and was perhaps made by accident, must
 * not delete or merge what is in it.
 * @throws `topic-exists` (settings by which state would be lost) · `not-authorised`
 */
export async function ensureChangelogTopic(options: ChangelogTopicOptions): Promise<void> {
  const { cluster, admin, topic, partitions } = options
  // Not what is remembered: whoever finds there that a topic is missing asks again only later.
  const known = cluster.known(topic) ?? (await seenNow(cluster, topic))
  if ((known?.partitions.length ?? 0) < partitions) {
    await admin.ensureTopic(topic, partitions, changelogSettings)
  }
  await checkSettings(cluster, topic)
}

async function checkSettings(cluster: Cluster, topic: string): Promise<void> {
  let fault: string | null
  try {
    fault = changelogFault((await topicSettings(cluster, [topic])).get(topic) ?? new Map())
  } catch (thrown) {
    if (isCode(thrown, 'not-authorised')) return // whoever may not look gave the right to write
    throw thrown
  }
  if (fault === null) return
  throw new MillraceError(
    'topic-exists',
    `topic '${topic}' is not fit to keep state, which it would lose: ${fault}`,
    {
      at: { topic },
      hint: 'delete it, where nothing is in it; else set these with kafka-configs.sh --alter',
    },
  )
}
