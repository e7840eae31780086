/** Produce: one record batch for each of some partitions of one leader, on all replicas in sync. */
import { api } from '../api.ts'
import type { Api } from '../api.ts'

export interface ProduceBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

export interface ProduceRequest {
  readonly transactionalId: string | null
  readonly timeoutMs: number
  readonly batches: readonly ProduceBatch[]
}

export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly baseOffset: number
  readonly reason: string | null
}

/** Within a transaction: only to partitions that AddPartitionsToTxn has named. */
export const produce: Api<ProduceRequest, readonly ProducedBatch[]> = produceAt(11)
/** Within a transaction: names the partitions itself [KIP-890, part 2]. */
export const produceAndAdd: Api<ProduceRequest, readonly ProducedBatch[]> = produceAt(12)

function produceAt(version: number): Api<ProduceRequest, readonly ProducedBatch[]> {
  return api({
    name: 'Produce',
    key: 0,
    version,
    flexible: true,
    write(writer, { transactionalId, timeoutMs, batches }) {
      writer
        .appendString(transactionalId)
        .appendInt16(-1) // acknowledged by all in sync
        .appendInt32(timeoutMs)
        .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], (w, [topic, list]) => {
          w.appendString(topic).appendArray(list, (p, { partition, bytes }) => {
            p.appendInt32(partition).appendBytes(bytes)
          })
        })
        .appendTaggedFields()
    },
    read(reader) {
      const produced: ProducedBatch[] = []
      reader.readArray((r) => {
        const topic = r.readString()
        r.readArray((p) => {
          const partition = p.readInt32()
          const code = p.readInt16()
          const baseOffset = Number(p.readInt64())
          p.readInt64() // append time
          p.readInt64() // log start
          p.readArray((e) => {
            e.readInt32()
            e.readNullableString()
          })
          produced.push({ topic, partition, code, baseOffset, reason: p.readNullableString() })
        })
      })
      reader.readInt32() // throttle time
      reader.readTaggedFields()
      return produced
    },
  })
}
