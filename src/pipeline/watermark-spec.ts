/** How a topic's records tell how far event time has come: as plain data. */

export type WatermarkSpec =
  /** Largest event time seen − the topic's `outOfOrderMs`. */
  | { readonly kind: 'bounded' }
  /**
   * The same for each key of a partition apart; the least of them counts. A key so far behind the
   * furthest one (`idleAfterMs` of event time) that it must have ended no longer does.
   */
  | { readonly kind: 'per-key'; readonly idleAfterMs: number }
  /** What `fn` gives for a record; null: this one says nothing. */
  | { readonly kind: 'from-data'; readonly fn: (value: unknown) => Date | number | null }
