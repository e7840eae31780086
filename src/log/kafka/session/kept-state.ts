/**
 * State whose offset the brokers have forgotten. They forget the offsets of a group that nobody is
 * in for `offsets.retention.minutes` (KIP-211), and while it has members those of topics that these
 * do not read: so of a changelog, once no round of snapshots has begun or ended for so long. What a
 * commit has written to the changelog is there all the same.
 */
import { MillraceError } from '../../../core/error.ts'
import type { TaskSpec, TopicPartition } from '../../log.ts'
import type { Fetcher } from '../contracts.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { Cluster } from '../wire/cluster.ts'

/** Of what is fetched to see whether there is a record at all. */
const lookBytesMax = 64 << 10

/**
 * Offset of the first committed blob of a changelog, where a restore can begin as well as at the
 * forgotten offset: what was deleted before it is what no restore needs. null: there is none. To be
 * called when earlier owners are fenced.
 */
export async function keptStateAt(
  { cluster, fetcher }: { readonly cluster: Cluster; readonly fetcher: Fetcher },
  place: TopicPartition,
): Promise<number | null> {
  const topics = await cluster.topics([place.topic], { fresh: true })
  if (topics.get(place.topic)?.partitions[place.partition] === undefined) return null
  const [[start = 0], [end = 0]] = await Promise.all([
    listOffsets(cluster, [place], 'earliest'),
    listOffsets(cluster, [place], 'latest'),
  ])
  if (start >= end) return null
  // `earliest`: what the last owner asked to delete may go meanwhile.
  const set = fetcher.open([{ ...place, offset: start }], {
    bytesMax: lookBytesMax,
    outOfRange: 'earliest',
  })
  try {
    for (let position = start; position < end;) {
      const batch = set.poll(0)
      if (batch === null) {
        await set.wait(Number.POSITIVE_INFINITY)
        continue
      }
      if (batch.first < batch.count) return batch.offset(batch.first)
      position = batch.nextOffset // aborted transactions, or their ends
    }
    return null
  } finally {
    await set.close()
  }
}

/** There is state, but nothing says up to where its input was read. */
export function offsetsForgotten({ pipeline, task }: TaskSpec): MillraceError {
  return new MillraceError(
    'state-lost',
    `task ${task} has state but no offsets: the brokers have forgotten those of '${pipeline}', ` +
      'which nobody ran for longer than their offsets.retention.minutes',
    {
      at: { pipeline, task },
      hint:
        `begin anew, with the state forgotten, too: millrace groups delete ${pipeline}; or keep ` +
        "the state and set the offsets that it belongs to, with Kafka's kafka-consumer-groups " +
        '--reset-offsets',
    },
  )
}
