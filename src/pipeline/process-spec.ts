/** What the engine needs to know of a `process` step. */

/** A state of each key. */
export interface KeyedStateSpec {
  readonly name: string
  readonly kind: 'value' | 'map' | 'list'
  /** Of a value that was never set. */
  readonly initial: unknown
  /** Event time after the key's last record or timer at which it is dropped; null: never. */
  readonly ttlMs: number | null
  /** Whether that is the step's or its own: to which of the two it belongs is part of the state. */
  readonly ttlOf: 'step' | 'state'
}

export interface ProcessSpec {
  readonly kind: 'process'
  readonly states: readonly KeyedStateSpec[]
  /** Named outputs besides the main one. */
  readonly outputs: readonly string[]
  readonly onRecord: (value: unknown, context: unknown) => unknown
  /** null: it sets no timers. */
  readonly onTimer: ((timer: unknown, context: unknown) => unknown) | null
}
