/** Random patterns, and random input for them: disordered, late, equal in time, poisonous. */
import fc from 'fast-check'
import type { AfterMatchSpec, Contiguity, MatchSpec } from '../../pipeline/patterns/match-spec.ts'
import type { PartCondition, PartSpec } from '../../pipeline/patterns/match-spec.ts'
import { checkMatchSpec } from '../../pipeline/patterns/match-options.ts'

export interface CaseEvent {
  readonly letter: 'a' | 'b' | 'c'
  readonly n: number
  /** Makes every condition throw. */
  readonly isPoison: boolean
}

/** What happens, in order. */
export type CaseMove =
  | {
      readonly do: 'take'
      readonly key: string
      /** Event time from the watermark on; below 0: late. */
      readonly afterMs: number
      readonly event: CaseEvent
    }
  | { readonly do: 'advance'; readonly byMs: number }
  | { readonly do: 'commit' }
  | { readonly do: 'restart' }

export interface MatchCase {
  readonly spec: MatchSpec
  readonly moves: readonly CaseMove[]
}

const linkArbitrary = fc.constantFrom<Contiguity>('then', 'followedBy', 'followedByAny')

interface RawPart {
  readonly kind: PartSpec['kind']
  readonly link: Contiguity
  readonly between: Contiguity
  readonly atLeast: number
  readonly more: number
  readonly greedy: boolean
  readonly letters: readonly string[]
  readonly looksAt: 'nothing' | 'first' | 'own'
}

const partArbitrary: fc.Arbitrary<RawPart> = fc.record({
  kind: fc.constantFrom<PartSpec['kind']>('one', 'one', 'some', 'some', 'none'),
  link: linkArbitrary,
  between: linkArbitrary,
  atLeast: fc.integer({ min: 0, max: 2 }),
  more: fc.constantFrom(0, 1, Infinity),
  greedy: fc.boolean(),
  letters: fc.subarray(['a', 'b', 'c'], { minLength: 1, maxLength: 2 }),
  looksAt: fc.constantFrom('nothing', 'nothing', 'first', 'own'),
})

const specArbitrary: fc.Arbitrary<MatchSpec> = fc
  .record({
    parts: fc.array(partArbitrary, { minLength: 1, maxLength: 4 }),
    withinMs: fc.option(fc.integer({ min: 1, max: 12 }), { freq: 4 }),
    policy: fc.constantFrom<AfterMatchSpec['kind']>(
      'none',
      'none',
      'next',
      'past-last',
      'first',
      'last',
    ),
    policyPart: fc.nat(3),
  })
  .map(({ parts: raw, withinMs, policy, policyPart }): MatchSpec => {
    const parts = raw.map(partOf)
    const part = parts[policyPart % parts.length]?.name ?? ''
    const afterMatch: AfterMatchSpec =
      policy === 'first' || policy === 'last' ? { kind: policy, part } : { kind: policy }
    return { kind: 'match', parts, withinMs, afterMatch, unbounded: true }
  })
  .filter(isAllowed)

const eventArbitrary: fc.Arbitrary<CaseEvent> = fc.record({
  letter: fc.constantFrom('a', 'b', 'c'),
  n: fc.integer({ min: 0, max: 2 }),
  isPoison: fc.integer({ min: 0, max: 24 }).map((n) => n === 24),
})

const moveArbitrary: fc.Arbitrary<CaseMove> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('take'),
      key: fc.constantFrom('x', 'x', 'y'),
      afterMs: fc.integer({ min: -1, max: 8 }),
      event: eventArbitrary,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('advance'), byMs: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.constantFrom<CaseMove>({ do: 'commit' }, { do: 'restart' }) },
)

export const matchCaseArbitrary: fc.Arbitrary<MatchCase> = fc.record({
  spec: specArbitrary,
  moves: fc.array(moveArbitrary, { minLength: 4, maxLength: 22 }),
})

/** Takes of the same key that are looked at by the model: it is exponential. */
export const modelEventsMax = 9

function partOf(raw: RawPart, at: number): PartSpec {
  const { kind, link, between, greedy } = raw
  const name = `p${at}`
  const condition = conditionOf(raw, name)
  const base = { name, kind, link, between, condition } as const
  if (kind === 'none') return { ...base, atLeast: 0, atMost: 0, greedy: false }
  if (kind === 'one') {
    return { ...base, atLeast: Math.min(raw.atLeast, 1), atMost: 1, greedy: false }
  }
  const atMost = Math.max(1, raw.atLeast + raw.more)
  return { ...base, atLeast: raw.atLeast, atMost, greedy: greedy && between !== 'followedByAny' }
}

/** Looks at the event's letter, and perhaps at what the first part, or its own, has so far. */
function conditionOf(raw: RawPart, name: string): PartCondition {
  const letters = new Set(raw.letters)
  const look = raw.looksAt === 'own' && raw.kind === 'some' ? name : 'p0'
  const condition: PartCondition = (value, matched) => {
    const event = value as CaseEvent
    if (event.isPoison) throw new Error('poison')
    if (!letters.has(event.letter)) return false
    if (raw.looksAt === 'nothing') return true
    const soFar = (matched as Record<string, CaseEvent | null | readonly CaseEvent[]>)[look] ?? null
    const last = Array.isArray(soFar) ? soFar.at(-1) : soFar
    return event.n >= ((last as CaseEvent | null | undefined)?.n ?? 0)
  }
  const text = raw.looksAt === 'nothing' ? '' : `, not below the last of ${look}`
  return Object.assign(condition, {
    [fc.toStringMethod]: () => `'${raw.letters.join(' or ')}${text}'`,
  })
}

/** As the builder and the check of the plan have it. */
function isAllowed(spec: MatchSpec): boolean {
  const isMisplaced = spec.parts.some(({ kind, link }, i) => {
    if (kind !== 'none') return false
    return link === 'followedByAny' || spec.parts.slice(0, i).every(({ atLeast }) => atLeast === 0)
  })
  if (isMisplaced) return false
  try {
    checkMatchSpec('match', spec)
    return true
  } catch {
    return false
  }
}
