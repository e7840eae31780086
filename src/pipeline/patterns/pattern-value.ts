/** What a pattern is to those who write one: `pattern.ts` makes it. */
import type { Duration } from '../../core/duration.ts'
import type { Contiguity, PatternSpec } from './match-spec.ts'

type Flat<T> = { [P in keyof T]: T[P] }
type With<M, N extends string, T> = Flat<M & { readonly [P in N]: T }>

/** What the compiler shows where two parts of a pattern have the same name. */
export type TakenPart = 'another part of the pattern has this name'
type Fresh<N, M> = N extends keyof M ? TakenPart : N

/**
 * Whether an event fits a part.
 * @param matched what the partial match holds so far, by the names of the parts; to be read during
 * the call
 */
export type Condition<V, M> = (value: V, matched: M) => boolean
/** A condition that narrows the type of what its part matches. */
export type Guard<V, R extends V, M> = (value: V, matched: M) => value is R

export interface OneOptions {
  /**
   * A match can be without it: the part is then null. An event that fits does not have to be taken.
   * Default false.
   */
  readonly optional?: boolean
}

export interface SomeOptions {
  /** Least number of events, from 0. Default 1. */
  readonly atLeast?: number
  /** Largest number of events. Default: no limit. */
  readonly atMost?: number
  /**
   * `true`: takes every event it can, also one that the next part would take; a match with fewer
   * is none. At the end of a pattern such a part is complete when it can take no more: at
   * `atMost`, with `between: 'then'` at the first event that does not fit, else when the time of
   * `within` is up.
   *
   * `false` (default; reluctant): a match may go on to the next part from `atLeast` events on, so
   * there is one for each number of events. Of those that are complete at the same event the one
   * with the fewest counts first, which with most after-match policies makes it the only one.
   */
  readonly greedy?: boolean
  /** What may lie between two events of the part. Default `'followedBy'`. */
  readonly between?: Contiguity
}

/** The parts that can follow `then`, `followedBy` or `followedByAny`, and what begins a pattern. */
export interface Parts<V, M> {
  /**
   * Exactly one event (or none, where it is optional).
   * @param name its name in the match: of `a-z A-Z 0-9 _ -`
   * @param condition default: every event fits
   * @throws `invalid-argument`
   */
  one<const N extends string, R extends V = V, const O extends OneOptions = OneOptions>(
    name: N & Fresh<N, M>,
    condition?: Guard<V, R, M> | Condition<V, M>,
    options?: O,
  ): Pattern<V, With<M, N, O extends { readonly optional: true } ? R | null : R>>

  /**
   * Several events. The condition sees those already taken: `(t, m) => t.price > m.rises.length`.
   * @param name its name in the match: of `a-z A-Z 0-9 _ -`
   * @param condition of each event
   * @throws `invalid-argument`
   */
  some<const N extends string>(
    name: N & Fresh<N, M>,
    condition?: Condition<V, With<M, N, readonly V[]>>,
    options?: SomeOptions,
  ): Pattern<V, With<M, N, V[]>>
}

/** Parts that can follow `then` and `followedBy`. */
export interface PartsOrNone<V, M> extends Parts<V, M> {
  /**
   * No event that fits. Behind `followedBy`: none between the last event taken before it and the
   * next one taken after it. Behind `then`: the event that follows directly is not such a one.
   *
   * At the end of a pattern it needs `within`. There the match is given when the time is up and no
   * such event has come (behind `then`: as soon as another one has come instead).
   * @param name for messages; the match has no such field
   * @throws `invalid-argument`
   */
  none<const N extends string>(name: N & Fresh<N, M>, condition: Condition<V, M>): Pattern<V, M>
}

/**
 * A pattern over values `V` whose match is `M`. A value: each call gives another one.
 * @example
 * pattern<{ price: number }>()
 *   .one('start', (t) => t.price > 100)
 *   .followedBy.some('falls', (t, m) => t.price < (m.falls.at(-1) ?? m.start).price, {
 *     atLeast: 2,
 *   })
 *   .followedBy.none('recovery', (t, m) => t.price > m.start.price)
 *   .followedBy.one('crash', (t) => t.price < 50)
 *   .within('10m')
 */
export interface Pattern<V, M> extends PatternOver<V, M> {
  readonly then: PartsOrNone<V, M>
  readonly followedBy: PartsOrNone<V, M>
  readonly followedByAny: Parts<V, M>
  /**
   * All events of a match lie within this length of event time from its first one on: an event at
   * exactly first + `span` is out. What is begun and not complete by then is timed out. Once for
   * the whole pattern.
   * @param span from `'1ms'`
   * @throws `invalid-duration` · `invalid-argument`
   */
  within(span: Duration): Pattern<V, M>
}

/** What `match` takes: a pattern that can look at values `V`, whatever else it could look at. */
export interface PatternOver<in V, out M> {
  readonly kind: 'pattern'
  readonly spec: PatternSpec
  /** Never there at run time; carries the types. */
  readonly '~types'?: { readonly accepts: (value: V) => void; readonly matched: M } | undefined
}

/** Where a pattern begins. */
export type PatternStart<V> = Parts<V, unknown>
