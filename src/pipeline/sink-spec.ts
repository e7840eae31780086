/**
 * A sink as a pipeline knows it: plain data. What it does with records is the business of
 * `src/connect/`; a pipeline appends them to its outbox, a topic like any other.
 */
import type { Codec } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import { msgpack } from '../core/msgpack-codec.ts'
import type { TopicSpec } from './topic-spec.ts'

/** What all sinks are to a plan. */
export interface SinkSpec {
  readonly kind: 'sink'
  /**
   * Stable, and unique in its pipeline: the outbox and what was delivered belong to it. 1 to 100 of
   * `a-z A-Z 0-9 . _ -`.
   */
  readonly name: string
  /** What it is, for plans and people: `webhook`, `action`. */
  readonly type: string
  /** How values lie in the outbox; null: MessagePack. */
  readonly codec: Codec<unknown> | null
  /** Whether records stay in the outbox after their delivery, as long as its retention says. */
  readonly keep: boolean
}

/**
 * Where records leave Millrace: a sink for values `V` and keys `K`. Fits where one of a narrower
 * `V` is asked for: a sink may take more than it is given.
 */
export interface SinkOf<in V = unknown, in K = unknown> extends SinkSpec {
  /** Never there at run time; carries the types. */
  readonly '~types'?:
    | { readonly accepts: (value: V) => void; readonly keys: (key: K) => void }
    | undefined
}

const namePattern = /^[a-zA-Z0-9._-]{1,100}$/

/** @throws `invalid-argument` for a name that no sink can have */
export function checkSinkName(name: string): void {
  if (typeof name === 'string' && namePattern.test(name)) return
  throw new MillraceError('invalid-argument', `a sink cannot be named '${name}'`, {
    hint: "use 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-'",
  })
}

/** @throws `invalid-argument` for a sink that no pipeline can have */
export function asSink(sink: SinkSpec): SinkSpec {
  checkSinkName(sink.name)
  return sink
}

/** The topic from which a sink of a pipeline is fed. */
export function outboxTopic(pipeline: string, sink: string): string {
  return `${pipeline}.${sink}.outbox`
}

/** Under this name the log keeps what has been delivered; `groups` shows its lag. */
export function deliveryGroup(pipeline: string, sink: string): string {
  return `${pipeline}.${sink}.delivery`
}

/** The outbox as a topic that a step writes to; its name is only known with the pipeline's. */
export function outboxSpec(sink: SinkSpec, name: string): TopicSpec {
  return {
    name,
    codec: sink.codec ?? msgpack(),
    schema: null,
    key: null,
    time: null,
    outOfOrderMs: 0,
    watermark: { kind: 'bounded' },
    idleAfterMs: 10_000,
    idle: 'advance',
    partitions: null,
    retentionMs: null,
    retentionBytes: null,
    compact: false,
  }
}
