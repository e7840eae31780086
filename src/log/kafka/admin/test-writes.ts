/** What the tests on a real broker write past the admin: records, members, open transactions. */
import { systemClock } from '../../../core/clock.ts'
import type { GroupOffset, TopicPartition } from '../../log.ts'
import { encodeBlocks, ownBatch } from '../records/encode.ts'
import { api } from '../wire/api.ts'
import type { Api } from '../wire/api.ts'
import type { Cluster } from '../wire/cluster.ts'
import { errorCode } from '../wire/error-codes.ts'
import { addOffsetsToTxn } from '../wire/requests/add-offsets-to-txn.ts'
import { endTxn } from '../wire/requests/end-txn.ts'
import { initProducerId } from '../wire/requests/init-producer-id.ts'
import { joinGroup } from '../wire/requests/join-group.ts'
import { leaveGroup } from '../wire/requests/leave-group.ts'
import { produce } from '../wire/requests/produce.ts'
import { txnOffsetCommit } from '../wire/requests/txn-offset-commit.ts'
import { retrying, TryAgain } from '../wire/retrying.ts'

const limitMs = 10_000

const passing: readonly number[] = [14, 15, 16, errorCode.concurrentTransactions]

/** Asks again while the answer is one that passes by itself, or there is no coordinator yet. */
async function settled<A extends { readonly code: number }>(ask: () => Promise<A>): Promise<A> {
  const once = async (): Promise<A> => {
    const answer = await ask()
    if (passing.includes(answer.code)) throw new TryAgain(new Error(`code ${answer.code}`))
    return answer
  }
  return await retrying(once, { clock: systemClock, limitMs, pauseMs: 5, pauseMsMax: 50 })
}

/** Appends a block as one batch. @returns the broker's code */
export async function append(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  block: Uint8Array,
): Promise<number> {
  const { batches } = encodeBlocks([block], { compression: 'none', batchBytesMax: 1 << 24 })
  const [batch] = batches
  if (batch === undefined) throw new Error('an empty block')
  ownBatch(batch, { producerId: -1, producerEpoch: -1, baseSequence: -1, isTransactional: false })
  const leader = (await cluster.topics([topic])).get(topic)?.partitions[partition]?.leader ?? -1
  const request = { topic, partition, bytes: batch.bytes }
  const [result] = await cluster.send({ node: leader }, produce, {
    transactionalId: null,
    timeoutMs: limitMs,
    batches: [request],
  })
  return result?.code ?? -1
}

/** Commits offsets in a transaction that stays open. @returns how to end it */
export async function openTransaction(
  cluster: Cluster,
  group: string,
  places: readonly GroupOffset[],
): Promise<(end: { isCommit: boolean }) => Promise<number>> {
  const transactionalId = `${group}-writer`
  const to = { transactionalId }
  const held = await settled(async () =>
    cluster.send(to, initProducerId, { transactionalId, timeoutMs: 30_000 }),
  )
  const producer = { transactionalId, producerId: held.producerId, epoch: held.epoch }
  await settled(async () => cluster.send(to, addOffsetsToTxn, { ...producer, group }))
  const offsets = places.map((place) => ({ ...place, metadata: 'by a transaction' }))
  const member = { generation: -1, memberId: '', instanceId: null }
  const [result] = await cluster.send({ group }, txnOffsetCommit, {
    ...producer,
    ...member,
    group,
    offsets,
  })
  if (result?.code !== errorCode.none) throw new Error(`not committed: ${result?.code}`)
  return async ({ isCommit }) =>
    (await settled(async () => cluster.send(to, endTxn, { ...producer, isCommit }))).code
}

/** A member of the classic protocol that never gets further than joining. */
export async function joinClassic(cluster: Cluster, group: string): Promise<() => Promise<void>> {
  const request = {
    group,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    instanceId: 'instance-1',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    reason: null,
  }
  const joined = await settled(async () => cluster.send({ group }, joinGroup, request))
  if (joined.code !== errorCode.none) throw new Error(`not joined: ${joined.code}`)
  const members = [{ memberId: joined.memberId, instanceId: 'instance-1', reason: null }]
  return async () => void (await cluster.send({ group }, leaveGroup, { group, members }))
}

interface Beat {
  readonly group: string
  readonly memberId: string
  /** 0 joins, −1 leaves. */
  readonly epoch: number
  readonly topic: string
}

const consumerGroupHeartbeat: Api<Beat, { readonly code: number }> = api({
  name: 'ConsumerGroupHeartbeat',
  key: 68,
  version: 0,
  flexible: true,
  write(writer, { group, memberId, epoch, topic }) {
    writer
      .appendString(group)
      .appendString(memberId)
      .appendInt32(epoch)
      .appendString(null) // instance
      .appendString(null) // rack
      .appendInt32(10_000)
      .appendArray([topic], (w, name) => w.appendString(name), true, false)
      .appendString(null) // assignor
      .appendArray([], () => {}) // owned
      .appendTaggedFields()
  },
  read(reader) {
    reader.readInt32() // throttle time
    return { code: reader.readInt16() }
  },
})

/** A member of a group of the newer protocol [KIP-848]. */
export async function joinConsumer(
  cluster: Cluster,
  group: string,
  topic: string,
): Promise<() => Promise<void>> {
  const memberId = 'AAAAAAAAAAAAAAAAAAAAAA'
  const beat = async (epoch: number): Promise<number> => {
    const request = { group, memberId, epoch, topic }
    return (await settled(async () => cluster.send({ group }, consumerGroupHeartbeat, request)))
      .code
  }

  const code = await beat(0)
  if (code !== errorCode.none) throw new Error(`not joined: ${code}`)
  return async () => void (await beat(-1))
}
