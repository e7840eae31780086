/** A pattern and what is done with its matches, as plain data; users write it with `pattern()`. */

/**
 * Which events may lie between an event of a match and the next one. `then`: none. `followedBy`:
 * those that do not fit, so that the next one that fits is taken. `followedByAny`: any, so that
 * each one that fits gives a match of its own.
 */
export type Contiguity = 'then' | 'followedBy' | 'followedByAny'

/** For `match.name` of the parts before; typed where users write it. */
export type PartCondition = (value: unknown, matched: unknown) => boolean

export interface PartSpec {
  readonly name: string
  readonly kind: 'one' | 'some' | 'none'
  /** To the event before it in the match; of no meaning for what a match begins with. */
  readonly link: Contiguity
  /** From one event of the part to the next of the same part. */
  readonly between: Contiguity
  readonly atLeast: number
  /** Infinity: any number. */
  readonly atMost: number
  readonly greedy: boolean
  readonly condition: PartCondition
}

/** The parts of a pattern before what is done with its matches is known. */
export interface PatternSpec {
  readonly parts: readonly PartSpec[]
  /** null: without limit. */
  readonly withinMs: number | null
}

/**
 * From which event matching goes on behind a match: all partial matches that began before that
 * event are given up.
 */
export type AfterMatchSpec =
  | { readonly kind: 'none' }
  | { readonly kind: 'next' }
  | { readonly kind: 'past-last' }
  | { readonly kind: 'first'; readonly part: string }
  | { readonly kind: 'last'; readonly part: string }

export interface MatchSpec extends PatternSpec {
  readonly kind: 'match'
  readonly afterMatch: AfterMatchSpec
  /** The user has accepted that partial matches may live for ever. */
  readonly unbounded: boolean
}

/** Parts in a pattern: what still open is kept in one 32-bit number for each partial match. */
export const partCountMax = 28

/** @returns whether a match can be without the part */
export function isSkippable(part: PartSpec): boolean {
  return part.kind === 'none' || part.atLeast === 0
}
