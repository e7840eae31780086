/** Builds the values behind `pattern()`, and refuses at once what is wrong in a single part. */
import { durationMs } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { OneOptions, PatternOver, PatternStart, SomeOptions } from './pattern-value.ts'
import { isSkippable, partCountMax } from './match-spec.ts'
import type { Contiguity, PartCondition, PartSpec, PatternSpec } from './match-spec.ts'

const contiguities: readonly Contiguity[] = ['then', 'followedBy', 'followedByAny']
const nameForm = /^[a-zA-Z0-9_-]+$/
const everyEvent: PartCondition = () => true

/** As `Pattern`, before the types are closed in. */
interface Builder {
  readonly kind: 'pattern'
  readonly spec: PatternSpec
  within(span: string): Builder
}

interface BuilderParts {
  one(name: string, condition?: PartCondition, options?: OneOptions): Builder
  some(name: string, condition?: PartCondition, options?: SomeOptions): Builder
  none?(name: string, condition: PartCondition): Builder
}

export function makePattern<V>(): PatternStart<V> {
  const start = partsOf({ parts: [], withinMs: null }, null)
  return start as unknown as PatternStart<V>
}

/** @throws `invalid-argument` where it is no pattern */
export function patternSpecOf(pattern: PatternOver<never, unknown>): PatternSpec {
  const spec = pattern?.kind === 'pattern' ? pattern.spec : null
  if (spec !== null) return spec
  throw new MillraceError('invalid-argument', 'match takes a pattern with at least one part', {
    hint: "for instance match((p) => p.one('high', (v) => v > 9).then.one('low', (v) => v < 1))",
  })
}

function builder(spec: PatternSpec): Builder {
  const within = (span: string): Builder => {
    if (spec.withinMs !== null) throw refuse('a pattern has one within', 'leave one of them out')
    const withinMs = durationMs(span, 'within')
    if (withinMs < 1) throw refuse(`within cannot be '${span}'`, "use at least '1ms'")
    return builder({ ...spec, withinMs })
  }
  const links = contiguities.map((link) => [link, partsOf(spec, link)] as const)
  return Object.freeze({ kind: 'pattern', spec, within, ...Object.fromEntries(links) })
}

/** @param link null: what a pattern begins with */
function partsOf(spec: PatternSpec, link: Contiguity | null): BuilderParts {
  const add = (part: PartSpec): Builder => {
    checkPart(part, spec.parts)
    return builder({ ...spec, parts: [...spec.parts, part] })
  }
  const base = { link: link ?? 'followedBy', between: 'followedBy', greedy: false } as const
  return {
    one: (name, condition = everyEvent, { optional = false } = {}) =>
      add({ ...base, name, kind: 'one', atLeast: optional ? 0 : 1, atMost: 1, condition }),
    some: (name, condition = everyEvent, options = {}) => {
      const { atLeast = 1, atMost = Infinity, greedy = false, between = 'followedBy' } = options
      return add({ ...base, name, kind: 'some', atLeast, atMost, greedy, between, condition })
    },
    none: (name, condition) => {
      if (link === null) throw refuseAt(name, 'a pattern cannot begin with none', beginHint)
      if (link === 'followedByAny') {
        throw refuseAt(name, 'none cannot follow followedByAny', 'use followedBy.none')
      }
      if (spec.parts.every(isSkippable)) {
        throw refuseAt(name, 'every part before it may be absent', beginHint)
      }
      return add({ ...base, name, kind: 'none', atLeast: 0, atMost: 0, condition })
    },
  }
}

const beginHint = 'absence is counted from an event: put a part before it that is always there'

function checkPart(part: PartSpec, before: readonly PartSpec[]): void {
  const { name, atLeast, atMost, between } = part
  if (typeof name !== 'string' || !nameForm.test(name) || name === '__proto__') {
    throw refuse(`a part cannot be named '${name}'`, 'use letters, digits, _ and -')
  }
  if (before.some((other) => other.name === name)) {
    throw refuseAt(name, 'another part has this name', 'give each part a name of its own')
  }
  if (before.length >= partCountMax) {
    throw refuseAt(name, `a pattern has at most ${partCountMax} parts`, 'match in two steps')
  }
  if (typeof part.condition !== 'function') {
    throw refuseAt(name, 'its condition is not a function', 'give (value, matched) => boolean')
  }
  if (part.kind !== 'some') return
  if (!Number.isSafeInteger(atLeast) || atLeast < 0) {
    throw refuseAt(name, `atLeast cannot be ${atLeast}`, 'use a whole number from 0')
  }
  if (atMost !== Infinity && (!Number.isSafeInteger(atMost) || atMost < 1)) {
    throw refuseAt(name, `atMost cannot be ${atMost}`, 'use a whole number from 1')
  }
  if (atLeast > atMost) {
    throw refuseAt(name, `atLeast ${atLeast} is more than atMost ${atMost}`, 'swap them')
  }
  if (!contiguities.includes(between)) {
    throw refuseAt(name, `between cannot be '${between}'`, `use ${contiguities.join(', ')}`)
  }
  if (part.greedy && between === 'followedByAny') {
    const hint = "leave one of them out: greedy takes every event that fits, 'followedByAny' not"
    throw refuseAt(name, "it cannot be both greedy and between: 'followedByAny'", hint)
  }
}

function refuseAt(part: string, what: string, hint: string): MillraceError {
  return refuse(`part '${part}' of a pattern: ${what}`, hint)
}

function refuse(message: string, hint: string): MillraceError {
  return new MillraceError('invalid-argument', message, { hint })
}
