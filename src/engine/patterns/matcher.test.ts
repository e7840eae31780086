import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { pattern } from '../../pipeline/pattern.ts'
import type { Pattern } from '../../pipeline/patterns/pattern-value.ts'
import { matchSpec } from '../../pipeline/patterns/match-options.ts'
import type { AfterMatch } from '../../pipeline/patterns/match-options.ts'
import { Matcher, partialMatchesMax } from './matcher.ts'
import type { Matched } from './matcher.ts'
import type { PartialMatch, Taken } from './partial-match.ts'
import { compile } from './program.ts'

type Built = Pattern<string, Record<string, unknown>>

const is =
  (letter: string) =>
  (event: string): boolean =>
    event.startsWith(letter)

/** Events in order of the match, `a1 b1`. */
function textOf(last: Taken): string {
  const events: unknown[] = []
  for (let at: Taken | null = last; at !== null; at = at.before) events.unshift(at.value)
  return events.join(' ')
}

/**
 * What comes of the events, each a millisecond after the one before, from 0 on.
 * @returns matches as `a1 b1`, with `@deadline` where the end of the time completed them, and
 * `timed out: …`
 */
function found(built: Built, events: string, afterMatch: AfterMatch = 'none'): string[] {
  const spec = matchSpec(built, { afterMatch, unbounded: true })
  const matcher = new Matcher(compile(spec))
  const lines: string[] = []
  let partials: readonly PartialMatch[] = []
  const note = (matched: Matched, mark = ''): void => {
    partials = matched.partials
    for (const match of matched.matches) lines.push(textOf(match) + mark)
    for (const taken of matched.timedOut) lines.push(`timed out: ${textOf(taken)}`)
  }
  const list = events.split(' ')
  const end = list.length + (spec.withinMs ?? 0)
  for (let timeMs = 0; timeMs <= end; timeMs++) {
    if (spec.withinMs !== null) note(matcher.expire(partials, timeMs), ` @${timeMs}`)
    const value = list[timeMs]
    if (value !== undefined) note(matcher.take(partials, { timeMs, index: 0, value }))
  }
  return lines
}

const a = pattern<string>().one('a', is('a'))
const b = pattern<string>().some('b', is('b'))

test('contiguity: nothing between, nothing that fits between, anything between', () => {
  assert.deepEqual(found(a.then.one('b', is('b')), 'a c b1 b2'), [])
  assert.deepEqual(found(a.then.one('b', is('b')), 'a b1 b2'), ['a b1'])
  assert.deepEqual(found(a.followedBy.one('b', is('b')), 'a c b1 b2'), ['a b1'])
  assert.deepEqual(found(a.followedByAny.one('b', is('b')), 'a c b1 b2'), ['a b1', 'a b2'])
})

test('contiguity between the events of a part', () => {
  const loop = (between: 'then' | 'followedBy' | 'followedByAny'): string[] => {
    const built = a.followedByAny.some('b', is('b'), { between }).followedBy.one('c', is('c'))
    return found(built, 'a b1 d b2 d b3 c')
  }
  assert.deepEqual(loop('then'), ['a b1 c', 'a b2 c', 'a b3 c'])
  assert.deepEqual(loop('followedBy').toSorted(), [
    'a b1 b2 b3 c',
    'a b1 b2 c',
    'a b1 c',
    'a b2 b3 c',
    'a b2 c',
    'a b3 c',
  ])
  assert.deepEqual(loop('followedByAny').length, 7)
  assert.ok(loop('followedByAny').includes('a b1 b3 c'))
})

test('a part that repeats behind followedBy begins with the first event that fits', () => {
  const events = 'c d a1 a2 a3 d a4 b'
  const loop = (between: 'then' | 'followedBy' | 'followedByAny'): string[] => {
    const built = pattern<string>()
      .one('c', is('c'))
      .followedBy.some('a', is('a'), { between })
      .followedBy.one('b', is('b'))
    return found(built, events)
  }
  assert.deepEqual(loop('then'), ['c a1 b', 'c a1 a2 b', 'c a1 a2 a3 b'])
  assert.deepEqual(loop('followedBy'), ['c a1 b', 'c a1 a2 b', 'c a1 a2 a3 b', 'c a1 a2 a3 a4 b'])
  assert.equal(loop('followedByAny').length, 8) // a1, then any of the other three
})

test('greedy takes every event that fits, also what the next part would take', () => {
  const greedy = (atLeast: number): Built =>
    a.followedBy
      .some('b', (event) => event !== 'x', { atLeast, greedy: true })
      .followedBy.one('end', (event) => /[cx]/.test(event))
  assert.deepEqual(found(greedy(0), 'a b1 c b2 x'), ['a b1 c b2 x'])
  assert.deepEqual(found(greedy(0), 'a x'), ['a x'])
  assert.deepEqual(found(greedy(1), 'a x'), [])
})

test('a greedy end is complete when it can take no more', () => {
  const end = (options: object): Built =>
    a.followedBy.some('b', is('b'), { greedy: true, ...options })
  assert.deepEqual(found(end({ between: 'then' }), 'a b1 b2 c b3'), ['a b1 b2'])
  assert.deepEqual(found(end({ atMost: 2 }).within('10ms'), 'a b1 c b2 b3'), ['a b1 b2'])
  assert.deepEqual(found(end({}).within('5ms'), 'a b1 c b2 d b3'), ['a b1 b2 @5'])
})

test('an optional part is there or not', () => {
  const built = a.followedBy.one('b', is('b'), { optional: true }).followedBy.one('c', is('c'))
  assert.deepEqual(found(built, 'a b c'), ['a b c', 'a c'])
  assert.deepEqual(found(built, 'a c'), ['a c'])
  assert.deepEqual(found(built, 'a b c', 'to next'), ['a b c'])
})

test('none: not between, not directly behind, not until the time is up', () => {
  const between = a.followedBy.none('x', is('x')).followedBy.one('b', is('b'))
  assert.deepEqual(found(between, 'a c b'), ['a b'])
  assert.deepEqual(found(between, 'a x b'), [])
  const direct = a.then.none('x', is('x')).followedBy.one('b', is('b'))
  assert.deepEqual(found(direct, 'a x b'), [])
  assert.deepEqual(found(direct, 'a c x b'), ['a b'])
  const end = a.followedBy.none('x', is('x')).within('3ms')
  assert.deepEqual(found(end, 'a1 c c x'), ['a1 @3'])
  assert.deepEqual(found(end, 'a1 c x'), [])
  const next = a.then.none('x', is('x')).within('3ms')
  assert.deepEqual(found(next, 'a1 c x'), ['a1'])
  assert.deepEqual(found(next, 'a1 x'), [])
  assert.deepEqual(found(next, 'a1'), ['a1 @3'])
})

test('an event for none and for the part behind it: not between, but directly behind', () => {
  const event = is('x')
  assert.deepEqual(found(a.followedBy.none('no', event).followedBy.one('b', event), 'a x'), ['a x'])
  assert.deepEqual(found(a.then.none('no', event).followedBy.one('b', event), 'a x'), [])
})

test('several none parts in one gap count each by itself', () => {
  const built = a.followedBy
    .none('x', is('x'))
    .then.none('y', (event) => event === 'x1')
    .followedBy.one('b', is('x'))
  assert.deepEqual(found(built, 'a x1'), [])
  assert.deepEqual(found(built, 'a x2'), ['a x2'])
})

test('within: the last millisecond is in, the deadline is out; what was begun is timed out', () => {
  const built = a.followedBy.one('b', is('b')).within('3ms')
  assert.deepEqual(found(built, 'a c b'), ['a b'])
  assert.deepEqual(found(built, 'a c c b'), ['timed out: a'])
  const long = b.followedBy.one('c', is('c')).within('3ms')
  assert.deepEqual(found(long, 'b1 b2', 'skip past last'), [
    'timed out: b1',
    'timed out: b1 b2',
    'timed out: b2',
  ])
})

test('after a match: where matching goes on', () => {
  const built = b.then.one('c', is('c'))
  const events = 'b1 b2 b3 c'
  const all = ['b1 b2 b3 c', 'b2 b3 c', 'b3 c']
  assert.deepEqual(found(built, events, 'none'), all)
  assert.deepEqual(found(built, events, 'to next'), all)
  assert.deepEqual(found(built, events, 'skip past last'), ['b1 b2 b3 c'])
  assert.deepEqual(found(built, events, { toFirst: 'b' }), all)
  assert.deepEqual(found(built, events, { toLast: 'b' }), ['b1 b2 b3 c', 'b3 c'])
  const open = a.followedBy.some('b', is('b'))
  assert.deepEqual(found(open, 'a b1 b2 b3', 'none'), ['a b1', 'a b1 b2', 'a b1 b2 b3'])
  assert.deepEqual(found(open, 'a b1 b2 b3', 'to next'), ['a b1'])
})

test('toFirst of a part that the match has not: nothing is given up', () => {
  const built = a.followedBy.one('b', is('b'), { optional: true }).followedBy.one('c', is('c'))
  assert.deepEqual(found(built, 'a1 a2 c', { toFirst: 'b' }), ['a1 c', 'a2 c'])
  assert.deepEqual(found(built, 'a1 a2 c', { toFirst: 'c' }), ['a1 c'])
})

test('of matches complete at once: by start, then fewer events of a reluctant part', () => {
  const built = a.followedBy.some('b', is('b')).followedBy.one('c', is('c'))
  assert.deepEqual(found(built, 'a1 b1 a2 b2 c'), ['a1 b1 c', 'a1 b1 b2 c', 'a2 b2 c'])
  assert.deepEqual(found(built, 'a1 b1 a2 b2 c', 'skip past last'), ['a1 b1 c'])
})

test('conditions see what was matched so far, by the names of the parts', () => {
  const seen: string[] = []
  const built = a.followedBy
    .some(
      'b',
      (event, m) => {
        seen.push(`${event}: ${m.a} [${m.b.join()}]`)
        return is('b')(event)
      },
      { atMost: 2 },
    )
    .followedBy.one('c', (event, m) => event === `c${m.b.length}`)
  assert.deepEqual(found(built, 'a b1 b2 c2 c1'), ['a b1 b2 c2', 'a b1 c1'])
  assert.deepEqual(seen, ['b1: a []', 'b2: a [b1]'])
  const early = pattern<string>().some('a', (event, m) => is('a')(event) && m.a.length < 2)
  assert.deepEqual(found(early, 'a1 a2', 'to next'), ['a1', 'a2'])
})

test('a partial match that nothing changes stays the same value', () => {
  const built = a.followedBy.one('b', is('b'))
  const matcher = new Matcher(compile(matchSpec(built)))
  const { partials } = matcher.take([], { timeMs: 0, index: 0, value: 'a' })
  const same = matcher.take(partials, { timeMs: 1, index: 0, value: 'c' })
  assert.equal(same.partials, partials)
  assert.equal(matcher.expire(partials, 9).partials, partials)
})

test('a key has a limited number of partial matches', () => {
  const built = a.followedBy.one('b', is('b'))
  const matcher = new Matcher(compile(matchSpec(built)))
  const { partials } = matcher.take([], { timeMs: 0, index: 0, value: 'a' })
  const full = Array.from({ length: partialMatchesMax }, () => partials[0] as PartialMatch)
  assert.throws(
    () => matcher.take(full, { timeMs: 1, index: 0, value: 'a' }),
    (thrown) => isCode(thrown, 'step-failed') && /10000 partial matches/.test(thrown.message),
  )
  assert.equal(matcher.take(full, { timeMs: 1, index: 0, value: 'c' }).partials, full)
})
