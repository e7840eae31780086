/** Makes the node of `match`. */
import { refuse } from './checked.ts'
import type { Node, StepNode } from './node.ts'
import { pattern } from './pattern.ts'
import { stepNode } from './step-node.ts'
import { matchGrows, matchSpec, matchStateText } from './patterns/match-options.ts'
import type { MatchOptions } from './patterns/match-options.ts'
import { matchSettings } from './patterns/match-text.ts'
import type { PatternOver } from './patterns/pattern-value.ts'

/** Name of the output of partial matches whose time was up. */
export const timedOutName = 'timed-out'

/** @throws `invalid-argument` for what is no pattern, or an option that is not one */
export function matchNode<M>(input: Node, given: unknown, options: MatchOptions<M>): StepNode {
  const made: unknown = typeof given === 'function' ? given(pattern<never>()) : given
  if (typeof made !== 'object' || made === null) {
    throw refuse('match takes a pattern, for instance pattern<Login>().one(…)', made)
  }
  const spec = matchSpec(made as PatternOver<never, M>, options)
  return stepNode([input], spec, {
    label: 'match',
    method: '.match()',
    groups: true,
    state: matchStateText(spec),
    grows: matchGrows(spec),
    late: true,
    settings: matchSettings(spec),
  })
}
