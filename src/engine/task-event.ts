/** What happens to a task that whoever runs it may want to know. */
export type TaskEvent =
  /** Every second while its state is being read; `share`: 0 to 1, 0 where that is not known. */
  | {
      readonly kind: 'restoring'
      readonly task: string
      readonly blobs: number
      readonly bytes: number
      readonly share: number
    }
  | {
      readonly kind: 'restored'
      readonly task: string
      readonly blobs: number
      readonly entries: number
      readonly ms: number
    }
  | {
      readonly kind: 'retrying'
      readonly task: string
      readonly error: unknown
      readonly attempt: number
      readonly inMs: number
    }
  /**
   * What was read of its repartition topics could not be freed; it will be tried again. Harmless
   * but for the room.
   */
  | { readonly kind: 'trim-failed'; readonly task: string; readonly error: unknown }
  | { readonly kind: 'orphans'; readonly task: string; readonly stores: readonly string[] }
  /**
   * The run was stopped, and results under way did not come in time: what was done since the last
   * commit is dropped, the next run does it again.
   */
  | { readonly kind: 'results-dropped'; readonly task: string; readonly pending: number }
  /**
   * Records were processed for so long without giving way: what else this process does, heartbeats
   * of its group too, had to wait. `positions`: topic/partition@offset up to which it has come.
   */
  | {
      readonly kind: 'blocked'
      readonly task: string
      readonly ms: number
      readonly positions: readonly string[]
    }
  /** Another process opened the task; it is looked up whose it is. */
  | { readonly kind: 'fenced'; readonly task: string }
  /** Tasks have come to this process, are given up in order, or were lost (`fenced`). */
  | { readonly kind: 'gained'; readonly tasks: readonly string[] }
  | {
      readonly kind: 'lost'
      readonly tasks: readonly string[]
      readonly reason: 'rebalanced' | 'fenced'
    }
  /** The last commit before a hand-over failed: whoever has the task now does that work again. */
  | { readonly kind: 'hand-over-failed'; readonly task: string; readonly error: unknown }
