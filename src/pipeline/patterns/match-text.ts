/** A pattern and its after-match policy as people read them in a plan. */
import { unreachable } from '../../core/assert.ts'
import { formatDuration } from '../../core/duration.ts'
import type { AfterMatchSpec, MatchSpec, PartSpec } from './match-spec.ts'

/**
 * What decides whether kept partial matches can be gone on with, in the order in which it reads
 * best: name → text. Conditions are not part of it.
 */
export function matchSettings(spec: MatchSpec): Record<string, string> {
  const { parts, withinMs, afterMatch } = spec
  return {
    pattern: parts.map(partText).join(' '),
    ...(withinMs === null ? {} : { within: formatDuration(withinMs) }),
    'after match': policyText(afterMatch),
  }
}

/** `followedBy falls{2,5} greedy`, `then none drop`, `then end?`. */
function partText(part: PartSpec, at: number): string {
  const { name, kind, link, between, atLeast, atMost, greedy } = part
  const before = at === 0 ? '' : `${link} `
  if (kind === 'none') return `${before}none ${name}`
  if (kind === 'one') return `${before}${name}${atLeast === 0 ? '?' : ''}`
  const count = atLeast === atMost ? atLeast : `${atLeast},${atMost === Infinity ? '' : atMost}`
  const inside = between === 'followedBy' ? '' : ` (${between})`
  return `${before}${name}{${count}}${greedy ? ' greedy' : ''}${inside}`
}

function policyText(policy: AfterMatchSpec): string {
  switch (policy.kind) {
    case 'none':
      return 'none'
    case 'next':
      return 'to next'
    case 'past-last':
      return 'skip past last'
    case 'first':
      return `to first ${policy.part}`
    case 'last':
      return `to last ${policy.part}`
    default:
      return unreachable(policy)
  }
}
