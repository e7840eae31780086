/** What a Nexmark query is to the commands that run it: a pipeline, and how its rows are read. */
import type { Stream, Topic } from '../../src/index.ts'
import type { NexmarkEvent } from './events.ts'

/** The topic of all events, keyed by auction (persons: by person). */
export type EventTopic = Topic<NexmarkEvent, number>

/** A row as the result file has it. */
export type Row = Readonly<Record<string, unknown>>

/** A topic with its records, by their keys. */
export interface SideTable {
  readonly topic: string
  rows(): Iterable<readonly [key: string, row: unknown]>
}

/** A stream, or a table. */
export type Results = Pick<Stream<unknown, unknown>, 'to' | 'forEach'>

export interface Query {
  readonly title: string
  /**
   * `append`: each result is a row. `update`: the newest result of a key is its row, a tombstone
   * takes it away.
   */
  readonly kind: 'append' | 'update'
  build(events: EventTopic): Results
  /** Small tables that it reads besides, to be filled before. */
  readonly tables?: readonly SideTable[]
  /** Rows of one result; default: the result itself. */
  readonly rows?: (result: never) => readonly Row[]
}
