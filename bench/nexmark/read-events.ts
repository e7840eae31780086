/** Reads a file of events, JSON lines or gzipped ones, into a topic. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { messageOf } from '../../src/core/error.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { AppendBatch, Log } from '../../src/log/log.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import type { NexmarkEvent } from './events.ts'
import type { SideTable } from './query.ts'

/** By which all that concerns an auction lies in one partition, in order of arrival. */
export function keyOf(event: NexmarkEvent): number {
  return event.type === 'bid' ? event.auction : event.id
}

export interface ReadEvents {
  readonly records: number
  /** By how much event time runs behind the largest one seen, at most. */
  readonly outOfOrderMs: number
}

const blockRecords = 500

/** Appends each line of the file, as it is, to the partition of its key. */
export async function readEvents(
  path: string,
  log: Log,
  topic: string,
  partitions: number,
): Promise<ReadEvents> {
  const builders = Array.from({ length: partitions }, () => new BatchBuilder())
  let records = 0
  let latestMs = Number.NEGATIVE_INFINITY
  let outOfOrderMs = 0
  const flush = async (leastRecords: number): Promise<void> => {
    const batches: AppendBatch[] = []
    for (const [partition, builder] of builders.entries()) {
      if (builder.count < leastRecords) continue
      batches.push({ topic, partition, bytes: builder.finish() })
    }
    if (batches.length > 0) await log.append(batches)
  }
  for await (const line of linesOf(path)) {
    if (line === '') continue
    const event = parsed(line, `${path}, event ${records + 1}`)
    const key = String(keyOf(event))
    latestMs = Math.max(latestMs, event.dateTime)
    outOfOrderMs = Math.max(outOfOrderMs, latestMs - event.dateTime)
    const builder = builders[partitionOfText(key, partitions)] as BatchBuilder
    builder.add(key, line, event.dateTime)
    records += 1
    if (builder.count >= blockRecords) await flush(blockRecords)
  }
  await flush(1)
  return { records, outOfOrderMs }
}

/** @throws saying where, for what is no JSON */
function parsed(line: string, place: string): NexmarkEvent {
  try {
    return JSON.parse(line) as NexmarkEvent
  } catch (thrown) {
    throw new Error(`${place}: ${messageOf(thrown)}`, { cause: thrown })
  }
}

/** Makes and fills the tables that a query reads besides. */
export async function fillTables(log: Log, tables: readonly SideTable[] = []): Promise<void> {
  for (const { topic, rows } of tables) {
    await log.createTopic(topic, { partitions: 1, cleanup: 'compact' })
    const builder = new BatchBuilder()
    for (const [key, row] of rows()) builder.add(key, JSON.stringify(row), 0)
    await log.append([{ topic, partition: 0, bytes: builder.finish() }])
  }
}

function linesOf(path: string): AsyncIterable<string> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
}
