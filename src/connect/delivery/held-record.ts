/**
 * Records of an outbox that wait for their delivery: their bytes, copied out of the block. They are
 * decoded for each try anew, so that no try sees what an earlier one did to a value.
 */
import type { Codec } from '../../core/codec.ts'
import { messageOf, MillraceError } from '../../core/error.ts'
import { decodeKey } from '../../core/key.ts'
import type { Origin } from '../../engine/letters.ts'
import type { Header, RecordBatch } from '../../log/batch.ts'
import { typedKey } from '../../pipeline/key-type-header.ts'
import { chainOf, placeText } from '../../pipeline/replay-headers.ts'
import type { SinkRecord } from '../sink.ts'
import type { LaneRecord } from './lanes.ts'
import type { Pending } from './progress.ts'

export interface HeldRecord extends LaneRecord {
  readonly pending: Pending
  readonly origin: Origin
  readonly headers: readonly Header[]
  /** Held for it. */
  readonly bytes: number
}

/** For the objects around a record's bytes. */
const overheadBytes = 200

/** @param index of the record in the block */
export function holdRecord(
  batch: RecordBatch,
  index: number,
  { pending, order }: { readonly pending: Pending; readonly order: 'key' | 'partition' | 'none' },
): HeldRecord {
  const [key, value] = [copyOf(batch.key(index)), copyOf(batch.value(index))]
  const { topic, partition } = batch
  const headers = batch.headers(index).map(({ name, value: of }) => ({ name, value: copyOf(of) }))
  const origin: Origin = {
    topic,
    partition,
    offset: pending.offset,
    key,
    value,
    timeMs: batch.time(index),
    headers,
    form: 'raw',
  }
  return {
    pending,
    origin,
    headers,
    laneKey: laneOf(key, order),
    bytes: overheadBytes + (key?.length ?? 0) + (value?.length ?? 0),
  }
}

/** @returns the error where it does not decode */
export function decodeOne(held: HeldRecord, codec: Codec<unknown>): SinkRecord | MillraceError {
  try {
    return decode(held, codec)
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
    return new MillraceError('decode-failed', messageOf(thrown), { cause: thrown })
  }
}

function decode({ origin, headers }: HeldRecord, codec: Codec<unknown>): SinkRecord {
  const { topic, partition, offset, timeMs: time } = origin
  const key = origin.key === null ? null : Buffer.from(origin.key)
  const value = origin.value === null ? null : Buffer.from(origin.value)
  return {
    id: idOf(origin),
    key: key === null ? null : typedKey(decodeKey(key, 0, key.length), headers),
    value: value === null ? null : codec.decode(value, 0, value.length),
    time,
    topic,
    partition,
    offset,
  }
}

/**
 * The idempotency key of a record. One that was a dead letter keeps the key that it had at first: a
 * destination may have taken it and not said so.
 */
export function idOf(origin: Origin): string {
  return placeText(chainOf(origin.headers)?.first ?? origin)
}

function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes)
}

/** Bytes alike are one key: their text tells them apart. */
function laneOf(key: Uint8Array | null, order: 'key' | 'partition' | 'none'): string | null {
  if (order === 'partition') return ''
  return order === 'none' || key === null ? null : Buffer.from(key).toString('latin1')
}
