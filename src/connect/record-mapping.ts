/** Messages that come by themselves (of a broker, a socket) made into records. */
import { MillraceError } from '../core/error.ts'
import type { SourceRecord } from './source.ts'

/** How a user makes key, time and id of a message; what is not given is the source's. */
export interface RecordMapping<M> {
  readonly key?: ((message: M) => string | Uint8Array | null) | undefined
  readonly time?: ((message: M) => number) | undefined
  readonly id?: ((message: M) => string | undefined) | undefined
}

export interface Unmapped<M> {
  readonly message: M
  readonly value: string | Uint8Array
  /** Where the user gives none, or the function throws. */
  readonly key: string | null
  readonly time: number
}

/** Key and value together. */
export interface SizeLimit {
  readonly source: string
  readonly payloadBytesMax: number
}

/** Where a function of the user throws, its default stands in. */
export function mapped<M>(of: Unmapped<M>, mapping: RecordMapping<M>): SourceRecord {
  const { message, value } = of
  const { key, time, id } = mapping
  const at = time === undefined ? of.time : orElse(() => time(message), of.time)
  const known = id === undefined ? undefined : orElse(() => id(message), undefined)
  return {
    key: key === undefined ? of.key : orElse(() => key(message), of.key),
    value,
    time: Number.isFinite(at) ? at : of.time,
    ...(known === undefined ? {} : { id: String(known) }),
  }
}

/** @returns why the record is none: it is larger than allowed. */
export function oversize(
  record: SourceRecord,
  what: string,
  { source, payloadBytesMax }: SizeLimit,
): MillraceError | null {
  const bytes = Buffer.byteLength(record.value ?? '') + Buffer.byteLength(record.key ?? '')
  if (bytes <= payloadBytesMax) return null
  return new MillraceError('record-too-large', `source ${source}: ${what} has ${bytes} bytes`, {
    hint: `raise payloadBytesMax (${payloadBytesMax}), and recordBytesMax of the topic`,
  })
}

export function orElse<T>(make: () => T, fallback: T): T {
  try {
    return make()
  } catch {
    return fallback
  }
}
