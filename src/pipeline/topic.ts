/**
 * A topic as users declare it: a checked, plain value. It becomes real only when a pipeline runs.
 */
import { json } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { Key } from '../core/key.ts'
import { validator } from '../core/schema.ts'
import type { InferOutput, StandardSchema } from '../core/schema.ts'
import type { TopicSpec } from './node.ts'
import type { WatermarkStrategy } from './watermark.ts'

/**
 * A topic of values `V`, its records keyed by `K` (null: not keyed). Fits where a topic of a
 * narrower `V` is asked for: a sink may take more than it is given.
 */
export interface Topic<in V = unknown, out K = null> {
  readonly kind: 'topic'
  readonly spec: TopicSpec
  /** Never there at run time; carries the types. */
  readonly '~types'?: { readonly accepts: (value: V) => void; readonly key: K } | undefined
}

type SchemaOption = StandardSchema<unknown, unknown> | undefined
type CodecOption = Codec<unknown> | undefined
/** `readonly []` has the compiler infer `[a, b]` as a pair, not as an array. */
type KeyOption<V> = 'record' | ((value: V) => Key | readonly [] | null) | undefined

/**
 * What a topic's values are: what its schema gives, else what its codec decodes to, else unknown.
 */
export type TopicValue<S extends SchemaOption, C extends CodecOption> =
  S extends StandardSchema<unknown, unknown>
    ? InferOutput<S>
    : C extends Codec<infer T>
      ? T
      : unknown

/** What a topic's records are keyed by, from its `key` option. */
export type TopicKey<KO> = undefined extends KO
  ? null
  : KO extends 'record'
    ? string
    : KO extends (value: never) => infer K
      ? K
      : null

export interface TopicOptions<S extends SchemaOption, C extends CodecOption, KO, V> {
  /** Standard Schema (zod, valibot, arktype …): what is read must fit, and becomes its output. */
  readonly schema?: S
  /** How values are written. Default `json()`. */
  readonly codec?: C
  /**
   * What the records are keyed by: computed from the value, or `'record'`: the record's own key as
   * text. Default: no key. In `per-partition` tasks the topic must be partitioned by it.
   */
  readonly key?: KO
  /** Event time, a Date or ms since 1970. Default: the record's time. */
  readonly time?: (value: V) => Date | number
  /** How far event times may run behind the largest one seen. Default `'0ms'`. */
  readonly outOfOrder?: Duration
  /**
   * How the records tell how far event time has come, in place of `outOfOrder`: `bounded('5s')`,
   * `ascending()`, `perKey({ … })`; or a function by which they say it themselves (a heartbeat, the
   * end of a batch): a Date or ms since 1970 before which no record follows in its partition, null
   * where one says nothing. It holds behind the record; what is less than before changes nothing.
   * What throws, or is no time, goes to `<name>.dead`.
   */
  readonly watermark?: WatermarkStrategy | ((value: V) => Date | number | null)
  /** Without a record for this long, the input no longer holds event time back. Default `'10s'`. */
  readonly idleAfter?: Duration
  /**
   * When all inputs are idle: `advance` (default) moves event time on at the wall clock's pace, so
   * that a last window closes; `wait` leaves it until a record comes.
   */
  readonly idle?: 'advance' | 'wait'
  /** For creating the topic when it does not exist: 1 to 1024. A source without it must exist. */
  readonly partitions?: number
  /**
   * For creating it: what may be deleted. `time` from 1 ms, `bytes` a partition from 1. Default:
   * nothing.
   */
  readonly retention?: { readonly time?: Duration; readonly bytes?: number }
  /**
   * For creating it: keep only the newest record of each key; null is then a tombstone. Default
   * false.
   */
  readonly compact?: boolean
}

/**
 * Declares a topic: its values, their key and time. Does no I/O; nothing is created before a run.
 *
 * A record that does not decode or fit the schema goes to `<name>.dead`, one that is too late for a
 * step to `<name>.late`. Where `key` gives null, the record has no key: a step that groups by key
 * sends it to `<name>.dead`.
 * @param name 1 to 249 of `a-z A-Z 0-9 . _ -`
 * @throws `invalid-topic` (name or an option) · `invalid-duration` · `invalid-schema`
 * @example
 * const readings = topic('readings', {
 *   codec: json<{ device: string; celsius: number; at: number }>(),
 *   key: (r) => r.device,
 *   time: (r) => r.at,
 *   outOfOrder: '5s',
 * })
 */
export function topic<
  S extends SchemaOption = undefined,
  C extends CodecOption = undefined,
  KO extends KeyOption<TopicValue<S, C>> = KeyOption<TopicValue<S, C>>,
>(
  name: string,
  options: TopicOptions<S, C, KO, TopicValue<S, C>> = {},
): Topic<TopicValue<S, C>, TopicKey<KO>> {
  checkName(name)
  checkKnown(name, options)
  const { schema, codec, key, time, partitions, retention } = options
  if (schema !== undefined) validator(schema, { topic: name })
  if (codec !== undefined && typeof codec.decoder !== 'function') {
    throw refuse(name, 'codec', codec, 'a codec: json(), string(), bytes()')
  }
  if (key !== undefined && key !== 'record' && typeof key !== 'function') {
    throw refuse(name, 'key', key, "'record' or a function of the value")
  }
  if (time !== undefined && typeof time !== 'function') {
    throw refuse(name, 'time', time, 'a function of the value')
  }
  const spec: TopicSpec = {
    name,
    codec: codec ?? json(),
    schema: schema ?? null,
    key: (key as TopicSpec['key'] | undefined) ?? null,
    time: (time as TopicSpec['time'] | undefined) ?? null,
    ...watermarkOf(name, options),
    idleAfterMs: atLeastOneMs(name, 'idleAfter', options.idleAfter ?? '10s'),
    idle: oneOf(name, 'idle', options.idle ?? 'advance', ['advance', 'wait']),
    partitions: count(name, 'partitions', partitions, partitionsMax),
    retentionMs:
      retention?.time === undefined ? null : atLeastOneMs(name, 'retention.time', retention.time),
    retentionBytes: count(name, 'retention.bytes', retention?.bytes, Number.MAX_SAFE_INTEGER),
    compact: oneOf(name, 'compact', options.compact ?? false, [true, false]),
  }
  return { kind: 'topic', spec }
}

function watermarkOf<V>(
  name: string,
  options: Pick<TopicOptions<undefined, undefined, undefined, V>, 'outOfOrder' | 'watermark'>,
): Pick<TopicSpec, 'outOfOrderMs' | 'watermark'> {
  const { outOfOrder = '0ms', watermark } = options
  if (watermark === undefined) {
    return { outOfOrderMs: durationMs(outOfOrder, 'outOfOrder'), watermark: { kind: 'bounded' } }
  }
  if (options.outOfOrder !== undefined) {
    throw refuse(name, 'outOfOrder', outOfOrder, 'it within the watermark strategy, or it alone')
  }
  if (typeof watermark === 'function') {
    const fn = watermark as (value: unknown) => Date | number | null
    return { outOfOrderMs: 0, watermark: { kind: 'from-data', fn } }
  }
  if (watermark?.kind !== 'watermark-strategy') {
    const allowed = "bounded('5s'), ascending(), perKey({ … }) or a function of the value"
    throw refuse(name, 'watermark', watermark, allowed)
  }
  return { outOfOrderMs: watermark.outOfOrderMs, watermark: watermark.spec }
}

/** As the log has it. */
const partitionsMax = 1024
const namePattern = /^[a-zA-Z0-9._-]{1,249}$/
const optionNames: ReadonlySet<string> = new Set([
  'schema',
  'codec',
  'key',
  'time',
  'outOfOrder',
  'watermark',
  'idleAfter',
  'idle',
  'partitions',
  'retention',
  'compact',
])

function checkName(name: string): void {
  if (typeof name === 'string' && namePattern.test(name) && name !== '.' && name !== '..') return
  throw new MillraceError('invalid-topic', `${shown(name)} cannot be the name of a topic`, {
    hint: "use 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', but not '.' or '..' alone",
  })
}

/** For JavaScript: a mistyped option would else be ignored in silence. */
function checkKnown(name: string, options: object): void {
  for (const option of Object.keys(options)) {
    if (optionNames.has(option)) continue
    throw new MillraceError('invalid-topic', `a topic has no option '${option}'`, {
      at: { topic: name },
      hint: `its options are ${[...optionNames].join(', ')}`,
    })
  }
}

function atLeastOneMs(name: string, option: string, text: Duration): number {
  const ms = durationMs(text, option)
  if (ms < 1) throw refuse(name, option, text, "at least '1ms'")
  return ms
}

function count(
  name: string,
  option: string,
  value: number | undefined,
  largest: number,
): number | null {
  if (value === undefined) return null
  if (Number.isInteger(value) && value >= 1 && value <= largest) return value
  throw refuse(name, option, value, `a whole number from 1 to ${largest}`)
}

function oneOf<T>(name: string, option: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value
  throw refuse(name, option, value, allowed.map(shown).join(' or '))
}

function refuse(name: string, option: string, value: unknown, allowed: string): MillraceError {
  return new MillraceError('invalid-topic', `${option} cannot be ${shown(value)}`, {
    at: { topic: name },
    hint: `use ${allowed}`,
  })
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
