/**
 * A record as people and tools see it: one object, all parts. The engine itself works on batches.
 */

export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** null: no key. A view on the batch's bytes. */
  readonly key: Buffer | null
  /** null: a tombstone. A view on the batch's bytes. */
  readonly value: Buffer | null
  /** Record time, ms since 1970. */
  readonly time: number
  /** In order; names may repeat. */
  readonly headers: readonly { readonly name: string; readonly value: Uint8Array | null }[]
}
