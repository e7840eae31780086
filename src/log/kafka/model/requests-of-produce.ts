/** The request that writes records. */
import { BatchDecoder } from '../records/decode.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { ProduceBatch, ProducedBatch, ProduceRequest } from '../wire/requests/produce.ts'
import { pause } from '../wire/retrying.ts'
import type { BrokerState, Handle, Handles } from './broker-state.ts'
import { ledBy } from './requests-of-topics.ts'
import { placeTouched, verified } from './requests-of-transactions.ts'

/** From this version on a producer names what it touches by touching it [KIP-890, part 2]. */
const produceAndAdd = 12
/** A leader asks a coordinator that is busy with the last transaction again. */
const busyMs = 20
const busyTries = 5

const c = errorCode

export function produceRequests(brokers: BrokerState): Handles {
  const { transactions, topics, fetches } = brokers

  const produce: Handle = async (
    node,
    request: ProduceRequest,
    { version },
  ): Promise<ProducedBatch[]> => {
    const { transactionalId, batches } = request
    const adding =
      transactionalId === null
        ? []
        : batches.map((one) => verifiedBatch(version >= produceAndAdd, transactionalId, one))
    const codes = await Promise.all(adding)
    const answers = batches.map((batch, i) => write(node, batch, codes[i] ?? c.none))
    fetches.changed()
    return answers
  }

  const verifiedBatch = async (
    adds: boolean,
    transactionalId: string,
    { topic, partition, bytes }: ProduceBatch,
  ): Promise<number> => {
    const [producerId, epoch] = [Number(bytes.readBigInt64BE(43)), bytes.readInt16BE(51)]
    const producer = { transactionalId, producerId, epoch }
    const found = topics.at({ topic, partition })
    if (found === undefined) return c.none // said below
    for (let tries = 1; ; tries++) {
      const code = verified(transactions, producer, {
        adds,
        touched: placeTouched({ topic, partition }),
      })
      if (code !== c.concurrentTransactions || tries === busyTries) return code
      await pause(brokers.clock, busyMs)
    }
  }

  const write = (node: number, batch: ProduceBatch, code: number): ProducedBatch => {
    const { topic, partition, bytes } = batch
    const refuse = (refusal: number): ProducedBatch => ({
      topic,
      partition,
      code: refusal,
      baseOffset: -1,
      reason: null,
    })
    const found = ledBy(brokers, node, batch)
    if (typeof found === 'number') return refuse(found)
    if (code !== c.none) return refuse(code)
    const known = topics.get(topic)
    if (known !== undefined) {
      if (bytes.length > Number(topics.setting(known, 'max.message.bytes'))) {
        return refuse(c.messageTooLarge)
      }
      const isCompacted = topics.setting(known, 'cleanup.policy')?.includes('compact') === true
      if (isCompacted && lacksKey(bytes)) return refuse(c.invalidRecord)
    }
    const { code: refusal, offset } = found.append(bytes)
    return { ...refuse(refusal), baseOffset: offset }
  }

  return [['Produce', produce]]
}

function lacksKey(bytes: Buffer): boolean {
  const decoder = new BatchDecoder({ topic: '', partition: 0, bytes, fromOffset: 0, aborted: [] })
  const batch = decoder.next()
  for (let i = 0; i < (batch?.count ?? 0); i++) if (batch?.keyIsNull(i) === true) return true
  return false
}
