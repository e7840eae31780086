/** A dead or late letter as it lies in its topic: the record, and what its headers say of it. */
import { createHash } from 'node:crypto'
import type { Header, RecordBatch } from '../../log/batch.ts'
import {
  chainOf,
  passageBytesHeader,
  passageHeader,
  placeOf,
  placeText,
  textOf,
} from '../../pipeline/replay-headers.ts'
import type { RecordPlace, ReplayChain } from '../../pipeline/replay-headers.ts'

export interface Letter extends RecordPlace {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The record's time, ms since 1970. */
  readonly timeMs: number
  readonly headers: readonly Header[]
  /** An error code, or `late`. */
  readonly reason: string
  readonly step: string
  readonly message: string
  readonly stack: string
  /** Who refused the record; null: written before this was noted. */
  readonly pipeline: string | null
  /** Where the record lies; null: no record alone is behind it, as with a window's result. */
  readonly origin: RecordPlace | null
  /** The value is no raw input but what became of it, written as JSON. */
  readonly isResult: boolean
  /** Behind a repartition: the record as it came there, to which it can be put back. */
  readonly passage: { readonly place: RecordPlace; readonly bytes: Buffer } | null
  /** Only the beginning of the value is kept. */
  readonly isCut: boolean
  /** Of the record, where it was a letter before. */
  readonly chain: ReplayChain | null
}

/** Record `i` of a batch of letters; a view on its bytes. */
export function letterAt(batch: RecordBatch, i: number): Letter {
  const headers = batch.headers(i)
  const fact = (name: string): string | null => textOf(headers, `millrace-${name}`)
  const [topic, partition, offset] = [fact('topic'), fact('partition'), fact('offset')]
  const hasOrigin = topic !== null && partition !== null && offset !== null && Number(offset) >= 0
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: batch.offset(i),
    key: batch.key(i),
    value: batch.value(i),
    timeMs: batch.time(i),
    headers,
    reason: fact('reason') ?? 'unknown',
    step: fact('step') ?? '',
    message: fact('message') ?? '',
    stack: fact('stack') ?? '',
    pipeline: fact('pipeline'),
    origin: hasOrigin ? { topic, partition: Number(partition), offset: Number(offset) } : null,
    isResult: fact('value') === 'json',
    passage: passageIn(headers),
    isCut: fact('cut') !== null,
    chain: chainOf(headers),
  }
}

function passageIn(headers: readonly Header[]): Letter['passage'] {
  const place = placeOf(textOf(headers, passageHeader))
  const bytes = headers.find(({ name }) => name === passageBytesHeader)?.value ?? null
  if (place === null || bytes === null) return null
  return { place, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}

/**
 * What a mark and its letter must agree in: where a topic was deleted and made anew, its offsets
 * name other letters.
 */
export function identityOf(letter: Letter): string {
  const { step, pipeline, timeMs } = letter
  const origin = letter.passage?.place ?? letter.origin
  return digestOf(
    [origin === null ? '' : placeText(origin), step, pipeline ?? '', timeMs].join(' '),
  )
}

/** Short, as many are held in memory; long enough that no two texts meet. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
