/**
 * Appending blocks inside a write transaction: checks them, gives them offsets, keeps producers
 * idempotent. [L1, L3]
 */
import { MillraceError, messageOf } from '../../core/error.ts'
import { encodeHeaders, RecordBatch } from '../batch.ts'
import type { AppendBatch, Appended, ProducerStamp } from '../log.ts'
import type { Catalog, PartitionPlace } from './catalog.ts'
import type { Store } from './db.ts'
import { changedSum, insertedSum, update } from './row-sums.ts'

/** Bytes of columns a record costs in a block at most (time, delta, three ends). */
const columnBytes = 24

export interface AppendContext {
  readonly store: Store
  readonly catalog: Catalog
  readonly nowMs: number
}

/**
 * @returns one entry for each batch, in order
 * @throws `unknown-topic` · `unknown-partition` · `record-too-large` · `invalid-argument`
 */
export function appendAll(
  context: AppendContext,
  batches: readonly AppendBatch[],
  stamp: ProducerStamp | null,
): Appended[] {
  const stamped = stamp === null ? null : new StampedAppend(context, stamp)
  const appended = batches.map(({ topic, partition, bytes }): Appended => {
    const place = context.catalog.find(topic, partition)
    const batch = checkedBatch(place, bytes)
    const known = stamped?.knownBase(place, batch.count) ?? null
    const baseOffset = known ?? insert(context, place, batch)
    if (known === null) stamped?.note(place, baseOffset, batch.count)
    return { topic, partition, baseOffset, recordCount: batch.count }
  })
  stamped?.keep()
  return appended
}

const growPartition = `${update('partitions', {
  next_offset: 'next_offset + ?1',
  bytes: 'bytes + ?2',
})} WHERE id = ?3 RETURNING next_offset AS next`

/** @returns the offset of the batch's first record */
function insert(
  { store, nowMs }: AppendContext,
  place: PartitionPlace,
  batch: RecordBatch,
): number {
  const { count, bytes } = batch
  const row = store.get<{ next: number }>(
    growPartition,
    count,
    count === 0 ? 0 : bytes.length,
    place.partId,
  )
  const next = row?.next ?? 0
  if (count === 0) return next
  store.run(
    `INSERT INTO batches (part_id, base_offset, next_offset, appended_ms, max_time, bytes, data)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    place.partId,
    next - count,
    next,
    Math.trunc(nowMs),
    batch.maxTime,
    bytes.length,
    bytes,
  )
  return next - count
}

/** The block with its checksum, lengths, offsets, record sizes and keys looked at. */
function checkedBatch(place: PartitionPlace, bytes: Uint8Array): RecordBatch {
  const { topic, partition, config } = place
  const at = { topic, partition }
  let batch: RecordBatch
  try {
    batch = new RecordBatch(topic, partition, 0, bytes)
  } catch (error) {
    throw new MillraceError(
      'invalid-argument',
      `an append of ${bytes.length} bytes is no record batch`,
      {
        hint: `make it with BatchBuilder and use it once (${messageOf(error)})`,
        at,
        cause: error,
      },
    )
  }
  if (batch.nextOffset !== batch.count) {
    throw new MillraceError(
      'invalid-argument',
      'an appended record batch has holes in its offsets',
      {
        hint: 'build it with BatchBuilder.add',
        at,
      },
    )
  }
  // No record can be too large in a block that is small as a whole, and most blocks are.
  if (bytes.length - batch.count * columnBytes > config.recordBytesMax)
    checkSizes(batch, config.recordBytesMax)
  if (config.cleanup === 'compact') checkKeys(batch)
  return batch
}

function checkSizes(batch: RecordBatch, recordBytesMax: number): void {
  const { topic, partition } = batch
  for (let i = 0; i < batch.count; i++) {
    const size =
      batch.keyEnd(i) -
      batch.keyStart(i) +
      batch.valueEnd(i) -
      batch.valueStart(i) +
      headerBytes(batch, i)
    if (size <= recordBytesMax) continue
    const text = `a record of ${size} bytes is over the topic's limit of ${recordBytesMax}`
    throw new MillraceError('record-too-large', text, {
      hint: 'send it in parts, or raise the limit: recordBytesMax of the topic',
      at: { topic, partition },
    })
  }
}

function headerBytes(batch: RecordBatch, i: number): number {
  if (batch.valuesEnd === batch.bytes.length) return 0 // no record of the block has any
  const headers = batch.headers(i)
  return headers.length === 0 ? 0 : encodeHeaders(headers).length
}

function checkKeys(batch: RecordBatch): void {
  const { topic, partition } = batch
  for (let i = 0; i < batch.count; i++) {
    if (!batch.keyIsNull(i)) continue
    throw new MillraceError(
      'invalid-argument',
      `a record without key cannot go to compacted topic '${topic}'`,
      {
        hint: 'give each record a key, or use a topic with cleanup: delete',
        at: { topic, partition },
      },
    )
  }
}

const keepProducer = `INSERT INTO main.producers
    (producer, part_id, sequence, base_offset, count, written_ms, sum)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ${insertedSum('?1, ?2, ?3, ?4, ?5, ?6')})
  ON CONFLICT DO UPDATE SET sequence = ?3, base_offset = ?4, count = ?5, written_ms = ?6,
    sum = ${changedSum('producers', {
      sequence: '?3',
      base_offset: '?4',
      count: '?5',
      written_ms: '?6',
    })}`

interface Run {
  readonly known: boolean
  readonly partId: number
  base: number
  count: number
}

/**
 * One numbered append. All its batches for one partition count as one; either the partition has it
 * already or it is the next.
 */
class StampedAppend {
  readonly #context: AppendContext
  readonly #stamp: ProducerStamp
  readonly #runs = new Map<number, Run>()

  constructor(context: AppendContext, stamp: ProducerStamp) {
    if (stamp.producer.length < 1 || stamp.producer.length > 249) {
      throw new MillraceError(
        'invalid-argument',
        `a producer name of ${stamp.producer.length} characters`,
        {
          hint: 'use 1 to 249 characters',
        },
      )
    }
    if (!Number.isSafeInteger(stamp.sequence) || stamp.sequence < 0) {
      throw new MillraceError(
        'invalid-argument',
        `append number ${stamp.sequence} of '${stamp.producer}'`,
        {
          hint: 'number the appends 0, 1, 2, …',
        },
      )
    }
    this.#context = context
    this.#stamp = stamp
  }

  /** Where the batch is already, null where it is new. */
  knownBase(place: PartitionPlace, count: number): number | null {
    let run = this.#runs.get(place.partId)
    if (run === undefined) {
      run = this.#look(place)
      this.#runs.set(place.partId, run)
    }
    if (!run.known) return null
    const base = run.base
    run.base += count
    return base
  }

  note(place: PartitionPlace, base: number, count: number): void {
    const run = this.#runs.get(place.partId) as Run
    if (run.count === 0) run.base = base
    run.count += count
  }

  #look(place: PartitionPlace): Run {
    const { producer, sequence } = this.#stamp
    const last = this.#context.store.get<{ sequence: number; base: number; count: number }>(
      `SELECT sequence, base_offset AS base, count FROM producers
       WHERE producer = ? AND part_id = ?`,
      producer,
      place.partId,
    )
    if (last?.sequence === sequence) {
      return { known: true, partId: place.partId, base: last.base, count: last.count }
    }
    const expected = last === undefined ? 0 : last.sequence + 1
    if (sequence !== expected) {
      const { topic, partition } = place
      throw new MillraceError(
        'invalid-argument',
        `append number ${sequence} of producer '${producer}' does not follow: ${expected} is next`,
        {
          hint: 'number the appends of a producer to a partition 0, 1, 2, …',
          at: { topic, partition },
        },
      )
    }
    return { known: false, partId: place.partId, base: 0, count: 0 }
  }

  /** Remembers the new appends. */
  keep(): void {
    for (const run of this.#runs.values()) {
      if (run.known) continue
      this.#context.store.run(
        keepProducer,
        this.#stamp.producer,
        run.partId,
        this.#stamp.sequence,
        run.base,
        run.count,
        Math.trunc(this.#context.nowMs),
      )
    }
  }
}
