/** `process`: its options, and what handlers are given. */
import type { Duration } from '../core/duration.ts'
import type { StateDeclaration } from './process-state.ts'

/** Declares what an output takes. */
export interface OutputType<T> {
  readonly kind: 'output-type'
  /** Never there at run time; carries the type. */
  readonly '~type'?: T | undefined
}

/**
 * For `process`: the type of the values that an output takes.
 * @example
 * output<{ account: string; reason: string }>()
 */
export function output<T>(): OutputType<T> {
  return { kind: 'output-type' }
}

/** State of each key, by name. */
export type States = Readonly<Record<string, StateDeclaration<unknown>>>
/** Outputs besides the main one, by name. */
export type OutputTypes = Readonly<Record<string, OutputType<unknown>>>

type Handle<S> = S extends StateDeclaration<infer H> ? H : never
type Taken<O> = O extends OutputType<infer T> ? T : never

/** What `process` makes of its `outputs`: name → type. */
export type OutputValues<O> = { readonly [N in keyof O]: Taken<O[N]> }

/** What the compiler shows where a handler emits and nothing says what. */
export type EmitsNothing = 'say what this step emits: process({ emits: output<…>(), … })'

/** Which clock a timer follows: event time, or the wall clock. */
export type TimerKind = 'event' | 'processing'

/** A timer that is due. */
export interface Timer {
  readonly kind: TimerKind
  /** `''`: it was set without one. */
  readonly name: string
  /** The time for which it was set, ms since 1970. */
  readonly time: number
}

/**
 * Timers of the key in hand. There is one for each kind and name: setting it again moves it. A time
 * with a fraction is rounded up to whole ms.
 */
export interface Timers {
  /**
   * Calls `onTimer` when event time has reached `time`. One for a time that is past fires at the
   * next advance of event time.
   * @throws `invalid-argument` for what is no time, and where the step has no `onTimer`
   */
  event(time: number | Date, name?: string): void
  /** Calls `onTimer` when the wall clock has reached `time`. @throws as `event` */
  processing(time: number | Date, name?: string): void
  /** The time for which it is set, ms; undefined: it is not. */
  get(kind: TimerKind, name?: string): number | undefined
  /** Harmless where it is not set. */
  cancel(kind: TimerKind, name?: string): void
}

/** What handlers are given besides the record or the timer; valid while the handler runs. */
export interface ProcessContext<K, S, R, O> {
  readonly key: K
  /**
   * Event time of what is in hand, and of all that it emits, ms. Of a record: its own. Of an event
   * timer: the time for which it was set, or where event time stood when that is later. Of a timer
   * of the wall clock: where event time stands, or the event time at which it was set when that is
   * later. So nothing that a timer emits is late for a step behind.
   */
  readonly time: number
  /** How far event time has come, ms; −Infinity: not known yet. */
  readonly watermark: number
  /** The wall clock, ms since 1970, as of the last look at it. */
  readonly now: number
  readonly state: { readonly [N in keyof S]: Handle<S[N]> }
  readonly timers: Timers
  /** Gives a value to the main output, with the key and event time in hand. */
  emit(value: [R] extends [never] ? EmitsNothing : R): void
  /** The same for the other outputs. */
  readonly output: { readonly [N in keyof O]: (value: Taken<O[N]>) => void }
  /** Drops all state of the key. Its timers stay. */
  clear(): void
}

/** Argument of `process`. */
export interface ProcessOptions<V, K, S, R, O> {
  /** State of each key, by name (letters, digits and `_`). Default: none. */
  readonly state?: S
  /** The type of what the main output takes. */
  readonly emits?: OutputType<R>
  /** Further outputs, by name: `{ alerts: output<Alert>() }`. Not `main` or `named`. */
  readonly outputs?: O
  /**
   * Event time after the key's last record or timer at which all its state is dropped, from
   * `'1ms'`. Timers stay. Default: state is kept for ever.
   */
  readonly ttl?: Duration
  /** Called with each record. Synchronous. */
  onRecord(value: V, context: ProcessContext<K, S, R, O>): void | undefined
  /** Called with each timer that is due. Synchronous. */
  onTimer?(timer: Timer, context: ProcessContext<K, S, R, O>): void | undefined
}
