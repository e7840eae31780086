/** Fills the input topic, in blocks of a size that a busy producer would send. */
import { BatchBuilder } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { purchase } from '../records.ts'
import { inTopic, partitions } from './pipelines.ts'

const blockRecords = 2000
/** Appends on their way. */
const inFlightMax = 4

/** Appends purchases [0, count), each to the partition of its user. */
export async function fill(log: Log, count: number): Promise<void> {
  const builders = Array.from({ length: partitions }, () => new BatchBuilder())
  const waiting: Promise<unknown>[] = []
  const send = (partition: number): void => {
    const bytes = (builders[partition] as BatchBuilder).finish()
    waiting.push(log.append([{ topic: inTopic, partition, bytes }]))
  }
  for (let i = 0; i < count; i++) {
    const record = purchase(i)
    const partition = partitionOfText(record.user, partitions)
    const builder = builders[partition] as BatchBuilder
    builder.add(record.user, JSON.stringify(record), record.at)
    if (builder.count < blockRecords) continue
    send(partition)
    if (waiting.length >= inFlightMax) await waiting.shift()
  }
  for (const [partition, builder] of builders.entries()) if (builder.count > 0) send(partition)
  await Promise.all(waiting)
}
