/** An outbox with records, and a delivery of it on a clock that the test moves. */
import assert from 'node:assert/strict'
import { systemClock } from '../../core/clock.ts'
import type { VirtualClock } from '../../core/clock.ts'
import { msgpack } from '../../core/msgpack-codec.ts'
import { seededRandom } from '../../core/random.ts'
import { BatchBuilder } from '../../log/batch.ts'
import type { RecordBatch } from '../../log/batch.ts'
import type { Log } from '../../log/log.ts'
import { deliver } from '../delivery/deliver.ts'
import type { DeliverOptions, DeliveryRun } from '../delivery/deliver.ts'
import type { Sink } from '../sink.ts'

export const outboxTopic = 'p.s.outbox'

/** Turns of the event loop that a case waits before it gives up; far more than any needs. */
const turnsMax = 20_000

export interface OutboxRecord {
  readonly key: string | null
  readonly value: unknown
  readonly partition?: number
}

export async function createOutbox(log: Log, partitions = 1): Promise<void> {
  await log.createTopic(outboxTopic, { partitions })
}

/** Appends each record in a block of its own group; one call is one commit. */
export async function fill(log: Log, records: readonly OutboxRecord[]): Promise<void> {
  const builders = new Map<number, BatchBuilder>()
  for (const { key, value, partition = 0 } of records) {
    const builder = builders.get(partition) ?? new BatchBuilder()
    builders.set(partition, builder)
    builder.add(key, value === null ? null : msgpack().encode(value), 0)
  }
  await log.append(
    [...builders].map(([partition, builder]) => ({
      topic: outboxTopic,
      partition,
      bytes: builder.finish(),
    })),
  )
}

export async function deliverOutbox(
  log: Log,
  sink: Sink,
  options: { readonly clock: VirtualClock } & Partial<DeliverOptions>,
): Promise<DeliveryRun> {
  const outbox = { pipeline: 'p', sink, topic: outboxTopic, group: 'p.s.delivery' }
  return await deliver(outbox, {
    log,
    random: seededRandom(1),
    takeOver: false,
    notify: () => {},
    ...options,
  })
}

/** Moves time until it is so. */
export async function until(
  clock: VirtualClock,
  isSo: () => boolean,
  { stepMs = 20, what = 'it' } = {},
): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < turnsMax, `${what} did not happen in ${turnsMax} turns`)
    await systemClock.nextTurn()
    if (!isSo()) clock.advance(stepMs)
  }
}

/** Waits for a promise while time goes on. */
export async function withTime<T>(
  clock: VirtualClock,
  promise: Promise<T>,
  stepMs = 20,
): Promise<T> {
  let isSettled = false
  const mark = (): void => {
    isSettled = true
  }
  promise.then(mark, mark)
  await until(clock, () => isSettled, { stepMs, what: 'the promise' })
  return await promise
}

export interface KeptRecord {
  readonly partition: number
  readonly offset: number
  readonly value: Buffer | null
  readonly headers: ReadonlyMap<string, string>
}

/** All records of a topic, in order of partition and offset. */
export async function recordsOf(log: Log, topic: string): Promise<KeptRecord[]> {
  const { partitions } = await log.describeTopic(topic)
  const kept: KeptRecord[] = []
  for (const { partition, startOffset } of partitions) {
    const reader = await log.openReader([{ topic, partition, offset: startOffset }])
    for (let next = startOffset; next < reader.endOffset(0);) {
      const batch: RecordBatch | null = reader.poll(0)
      if (batch === null) {
        await reader.wait(1_000)
        continue
      }
      for (let i = batch.first; i < batch.count; i++) {
        const headers = batch
          .headers(i)
          .map(({ name, value }) => [name, Buffer.from(value ?? []).toString()] as const)
        const [offset, value] = [batch.offset(i), batch.value(i)]
        kept.push({ partition, offset, value, headers: new Map(headers) })
      }
      next = batch.nextOffset
    }
    await reader.close()
  }
  return kept
}
