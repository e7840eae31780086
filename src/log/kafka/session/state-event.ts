/** What happens to local copies of state, for people. */
export interface StateEvent {
  readonly kind:
    /** A local copy cannot be written: the next restore reads all from Kafka. */
    | 'copy-failed'
    /** A standby copy cannot be kept up for now; it goes on trying. */
    | 'standby-waiting'
  /** One clause with the values. */
  readonly text: string
  readonly error: unknown
}
