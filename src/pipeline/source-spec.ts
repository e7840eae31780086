/**
 * A source as a pipeline knows it: plain data. How it reads is the business of `src/connect/`; what
 * it reads is appended to a topic, from which pipelines begin.
 */
import type { TopicSpec } from './topic-spec.ts'

/** What all sources are to a plan. */
export interface SourceSpec {
  readonly kind: 'source'
  /**
   * Unique on the log and stable over restarts: its position is kept under it. 1 to 200 of
   * `a-z A-Z 0-9 . _ -`.
   */
  readonly name: string
  /** What it is, for plans and people: `mqtt`, `file`. */
  readonly type: string
}

/** A source, and the topic that its records go to. */
export interface FeedSpec {
  readonly source: SourceSpec
  readonly topic: TopicSpec
  /** null: records that come twice are appended twice. */
  readonly dedupe: DedupeSpec | null
}

/** Which ids are remembered. */
export interface DedupeSpec {
  readonly withinMs: number
  /** Most at a time; the oldest go first. */
  readonly max: number
}
