/** What happens to a membership, for people. */
export interface GroupEvent {
  readonly kind:
    /** Membership was lost with all tasks; it is joined again, or, where `isFinal`, not. */
    | 'fenced'
    /** The event loop was not free for long. */
    | 'blocked'
    /** A task was handed over though it had not been closed in time. */
    | 'hand-over-late'
    /** Whoever was told of a change threw. */
    | 'tell-failed'
    /** Joining does not succeed for now; it goes on trying. */
    | 'waiting'
  /** One clause with the values. */
  readonly text: string
  readonly error?: unknown
  readonly isFinal?: boolean
}

export type NotifyGroup = (event: GroupEvent) => void
