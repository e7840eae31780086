/** What is done with the matches of a pattern: options, results, and the checks of the whole. */
import { formatDuration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { PatternOver } from './pattern-value.ts'
import { patternSpecOf } from './build-pattern.ts'
import { isSkippable } from './match-spec.ts'
import type { AfterMatchSpec, MatchSpec, PartSpec } from './match-spec.ts'

/**
 * Where matching goes on after a match: every partial match that began before that event is given
 * up, and so is every other match that is complete at the same event and began before it. What is
 * complete first is given first; of those complete at the same event (or the same end of time) the
 * one that began first; of those that began together the one whose parts, in the order of the
 * pattern, have an optional event rather than none, more events of a greedy part, fewer of a
 * reluctant one, and earlier events.
 *
 * - `'skip past last'` (default): behind the last event; no event is in two matches.
 * - `'to next'`: behind the first event; at most one match begins at an event.
 * - `{ toFirst: name }`, `{ toLast: name }`: at the first or last event of that part. Where the
 *   match has none of it, nothing is given up.
 * - `'none'`: nothing is given up; all matches are given.
 */
export type AfterMatch<N extends string = string> =
  | 'skip past last'
  | 'to next'
  | 'none'
  | { readonly toFirst: N; readonly toLast?: never }
  | { readonly toLast: N; readonly toFirst?: never }

export interface MatchOptions<M = unknown> {
  /** Default `'skip past last'`. */
  readonly afterMatch?: AfterMatch<keyof M & string>
  /**
   * `true` accepts a pattern without `within` whose partial matches may be kept for ever. Default
   * false.
   */
  readonly unbounded?: boolean
}

/** One match. Its event time is that at which it was known: of its last event, as a rule. */
export interface Match<K, M> {
  readonly key: K
  /** What each part matched: `one` a value (null where absent), `some` an array. */
  readonly match: M
  /** Event time of its first event, ms. */
  readonly startTime: number
  /** Event time of its last event, ms. */
  readonly endTime: number
}

/** What a pattern had begun when its time was up. Its event time is `deadline` − 1. */
export interface TimedOut<K, M> {
  readonly key: K
  /** The parts reached; the last of them may have fewer events than it needs. */
  readonly partial: { readonly [N in keyof M]?: M[N] }
  readonly startTime: number
  /** First event time that was too late, ms: start + `within`. */
  readonly deadline: number
}

/** @throws `invalid-argument` where an option is not one */
export function matchSpec<M>(
  pattern: PatternOver<never, M>,
  options: MatchOptions<M> = {},
): MatchSpec {
  const { parts, withinMs } = patternSpecOf(pattern)
  const afterMatch = afterMatchSpec(options.afterMatch ?? 'skip past last')
  return { kind: 'match', parts, withinMs, afterMatch, unbounded: options.unbounded === true }
}

/**
 * Refuses patterns that cannot work as a whole.
 * @throws `invalid-plan` naming the step
 */
export function checkMatchSpec(step: string, spec: MatchSpec): void {
  const refuse = (message: string, hint: string): MillraceError =>
    new MillraceError('invalid-plan', message, { at: { step }, hint })
  const { parts, afterMatch, withinMs } = spec
  if (parts.every(isSkippable)) {
    throw refuse('every part of the pattern may be absent', 'let one part need an event')
  }
  if (afterMatch.kind === 'first' || afterMatch.kind === 'last') {
    const part = parts.find(({ name, kind }) => name === afterMatch.part && kind !== 'none')
    if (part === undefined) {
      const names = parts.flatMap(({ name, kind }) => (kind === 'none' ? [] : [name]))
      const message = `afterMatch names part '${afterMatch.part}', which no match has`
      throw refuse(message, `use one of: ${names.join(', ')}`)
    }
  }
  if (withinMs !== null) return
  const last = parts.at(-1)
  if (last?.kind === 'none') {
    const message = `part '${last.name}' is absence at the end of a pattern without within`
    throw refuse(message, "say how long to wait for it: .within('10m')")
  }
  const waiting = neverComplete(parts)
  if (waiting !== undefined) {
    const message = `part '${waiting.name}' is greedy at the end of a pattern without within`
    throw refuse(message, "say when it is complete: .within('10m'), or between: 'then'")
  }
  const endless = spec.unbounded ? undefined : endlessPart(parts)
  if (endless === undefined) return
  const { part, why } = endless
  const hint = "limit them with .within('10m'), or accept it with { unbounded: true }"
  throw refuse(`partial matches could be kept for ever: part '${part.name}' ${why}`, hint)
}

/** How long what is begun is kept, as a text for people. */
export function matchStateText(spec: MatchSpec): string {
  const kept = 'events by key until the watermark, and partial matches'
  if (spec.withinMs !== null) return `${kept} within ${formatDuration(spec.withinMs)}`
  return endlessPart(spec.parts) === undefined ? kept : `${kept} without limit`
}

/** @returns whether partial matches may pile up for ever */
export function matchGrows(spec: MatchSpec): boolean {
  return spec.withinMs === null && endlessPart(spec.parts) !== undefined
}

/** The first part for which a partial match can wait without end, or grow without end. */
function endlessPart(parts: readonly PartSpec[]): { part: PartSpec; why: string } | undefined {
  for (const [i, part] of parts.entries()) {
    // Behind `none` something else must follow directly, or itself is endless.
    if (i > 0 && part.kind !== 'none' && part.link !== 'then') {
      return { part, why: `may come any time later (${part.link})` }
    }
    if (part.atMost === Infinity) return { part, why: 'has no atMost' }
    if (part.atMost > 1 && part.between !== 'then') {
      return { part, why: `may go on any time later (between: '${part.between}')` }
    }
  }
  return undefined
}

/** A greedy part that a match could end with and that always could take one more. */
function neverComplete(parts: readonly PartSpec[]): PartSpec | undefined {
  const lastNeeded = parts.findLastIndex((part) => !isSkippable(part))
  return parts.find((part, i) => {
    if (!part.greedy || i < lastNeeded) return false
    const canBeAbsent = part.atLeast === 0 && part.link !== 'then'
    return canBeAbsent || (part.atMost > part.atLeast && part.between !== 'then')
  })
}

function afterMatchSpec(policy: AfterMatch): AfterMatchSpec {
  switch (policy) {
    case 'skip past last':
      return { kind: 'past-last' }
    case 'to next':
      return { kind: 'next' }
    case 'none':
      return { kind: 'none' }
    default:
  }
  if (typeof policy?.toFirst === 'string') return { kind: 'first', part: policy.toFirst }
  if (typeof policy?.toLast === 'string') return { kind: 'last', part: policy.toLast }
  throw new MillraceError('invalid-argument', `afterMatch cannot be ${JSON.stringify(policy)}`, {
    hint: "use 'skip past last', 'to next', 'none', { toFirst: name } or { toLast: name }",
  })
}
