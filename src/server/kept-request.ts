/** What the log remembers of a request that had an idempotency key. */

export const requestsTopic = 'millrace.http.requests'
/** Header of the first record of each run of such a request. */
export const requestHeader = 'millrace-request'

export interface KeptRequest {
  readonly topic: string
  /** Of all that makes the request: another one must not come with the same key. */
  readonly fingerprint: string
  readonly atMs: number
  readonly runs: readonly {
    readonly partition: number
    readonly count: number
    /** At or before the first record's offset. */
    readonly from: number
  }[]
}

/** A note, or null for what somebody else wrote there. */
export function keptOf(value: Buffer | null): KeptRequest | null {
  try {
    const kept = JSON.parse(value?.toString() ?? 'null') as KeptRequest | null
    return typeof kept?.fingerprint === 'string' && Array.isArray(kept.runs) ? kept : null
  } catch {
    return null
  }
}
