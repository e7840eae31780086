/** Where the records of a request lie that had an idempotency key, after a restart. */
import { isCode } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import type { Run } from './appends.ts'
import { requestHeader, type KeptRequest } from './kept-request.ts'

/** When nothing comes for this long, there is nothing. */
const silenceMs = 5_000

/**
 * Looks for the first record of each run. A run whose beginning retention has taken has no offset
 * any more.
 */
export async function findRuns(log: Log, kept: KeptRequest, id: string): Promise<Run[]> {
  const found: Run[] = []
  const partitions = new Set(kept.runs.map(({ partition }) => partition))
  for (const partition of partitions) {
    const runs = kept.runs.filter((run) => run.partition === partition)
    const from = Math.min(...runs.map((run) => run.from))
    const firsts = await firstOffsets(log, { topic: kept.topic, partition, from, id }, runs.length)
    for (const [i, { count }] of runs.entries()) {
      // From the end: what retention has taken was at the beginning.
      const first = firsts[firsts.length - runs.length + i] ?? null
      found.push({ partition, first, count })
    }
  }
  return found
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly id: string
}

/** Offsets of the records with the request's header, at most `max`. */
async function firstOffsets(
  log: Log,
  { topic, partition, from, id }: Place,
  max: number,
): Promise<number[]> {
  const offsets: number[] = []
  const info = await log.describeTopic(topic).catch((thrown: unknown) => {
    if (isCode(thrown, 'unknown-topic')) return null // deleted since
    throw thrown
  })
  const { startOffset = 0, endOffset: end = 0 } = info?.partitions[partition] ?? {}
  const start = Math.max(from, startOffset)
  if (start >= end) return offsets
  const reader = await log.openReader([{ topic, partition, offset: start }])
  try {
    for (let next = start; next < end && offsets.length < max;) {
      const batch = reader.poll(0)
      if (batch === null) {
        if ((await reader.wait(silenceMs)) === 'ready') continue
        break
      }
      for (let i = batch.first; i < batch.count && offsets.length < max; i++) {
        const isOurs = batch
          .headers(i)
          .some(({ name, value }) => name === requestHeader && value?.toString() === id)
        if (isOurs) offsets.push(batch.offset(i))
      }
      next = batch.nextOffset
    }
  } finally {
    await reader.close()
  }
  return offsets
}
