/** A letter as JSON for programs. */
import { isUtf8 } from 'node:buffer'
import type { LetterState } from '../connect/letters/letter-marks.ts'
import type { Letter } from '../connect/letters/letter.ts'

/** Text, `{ base64 }` for what is none, or null. */
export type BytesJson = string | { readonly base64: string } | null

export function letterJson(
  letter: Letter,
  { state }: { readonly state: LetterState },
): Record<string, unknown> {
  const { partition, offset, timeMs, reason, step, pipeline, message, stack, origin } = letter
  return {
    partition,
    offset,
    state,
    reason,
    step,
    pipeline,
    message,
    ...(stack === '' ? {} : { stack }),
    origin,
    time: timeMs,
    attempts: letter.chain?.attempt ?? 0,
    first: letter.chain?.first ?? origin,
    before: letter.chain?.letter ?? null,
    key: bytesJson(letter.key),
    value: bytesJson(letter.value),
    isResult: letter.isResult,
    isCut: letter.isCut,
    headers: ownHeaders(letter).map(({ name, value }) => ({ name, value: bytesJson(value) })),
  }
}

/** Those that the record had. */
export function ownHeaders({ headers }: Letter): Letter['headers'] {
  return headers.filter(({ name }) => !name.startsWith('millrace-'))
}

export function bytesJson(bytes: Uint8Array | null): BytesJson {
  if (bytes === null) return null
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(view) ? view.toString('utf8') : { base64: view.toString('base64') }
}
