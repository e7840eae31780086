/** What the engine needs to know of steps that call the world outside. */

/** How calls are made. */
export interface CallSpec {
  readonly concurrency: number
  /** Of one attempt; Infinity: none. */
  readonly timeoutMs: number
  readonly retries: number
  readonly backoffMs: number
}

/** What such a function is told of its call. */
export interface AttemptInfo {
  readonly signal: AbortSignal
  readonly attempt: number
}

export interface MapAsyncSpec {
  readonly kind: 'map-async'
  readonly calls: CallSpec
  readonly fn: (
    value: unknown,
    info: AttemptInfo & { readonly key: unknown; readonly time: number },
  ) => unknown
}

/** Each record with the row that a function finds for it. */
export interface LookupJoinSpec {
  readonly kind: 'lookup-join'
  readonly type: 'inner' | 'left'
  readonly calls: CallSpec
  readonly fn: (key: unknown, info: AttemptInfo) => unknown
  /** The key to look up; null or undefined: none. */
  readonly by: (value: unknown) => unknown
  readonly cache: {
    /** 0: none. */
    readonly entriesMax: number
    readonly ttlMs: number
    /** Of keys without a row; 0: these are asked for each time. */
    readonly missTtlMs: number
  }
}
