/** A topic as plain data: what a pipeline, a plan and the engine know of it. */
import type { Codec } from '../core/codec.ts'
import type { Key } from '../core/key.ts'
import type { StandardSchema } from '../core/schema.ts'
import type { WatermarkSpec } from './watermark-spec.ts'

/**
 * A topic as a pipeline declares it. All durations are resolved to ms. Values of any type: the
 * typed face is `Topic`.
 */
export interface TopicSpec {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly schema: StandardSchema<unknown, unknown> | null
  /**
   * `'record'`: the record's own key, as text. A function: computed from the decoded value. null:
   * records have no key here.
   */
  readonly key: ((value: unknown) => Key | null) | 'record' | null
  /**
   * Event time from the decoded value (Date or ms); null: the record's time (append time unless the
   * producer set it).
   */
  readonly time: ((value: unknown) => Date | number) | null
  readonly outOfOrderMs: number
  readonly watermark: WatermarkSpec
  /** An input without records for this long (wall clock) no longer holds the watermark back. */
  readonly idleAfterMs: number
  /**
   * When every input is idle: `advance` moves the watermark on at the wall clock's pace, `wait`
   * leaves it.
   */
  readonly idle: 'advance' | 'wait'
  /** For creating it when it does not exist. */
  readonly partitions: number | null
  readonly retentionMs: number | null
  readonly retentionBytes: number | null
  readonly compact: boolean
}
