import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import type { ErrorCode } from '../core/error.ts'
import { pattern } from './pattern.ts'
import type { Pattern } from './patterns/pattern-value.ts'
import { checkMatchSpec, matchGrows, matchSpec, matchStateText } from './patterns/match-options.ts'
import type { MatchOptions } from './patterns/match-options.ts'
import { matchSettings } from './patterns/match-text.ts'
import { partCountMax } from './patterns/match-spec.ts'

const yes = (): boolean => true
const a = pattern<number>().one('a', yes)

function refused(code: ErrorCode, text: RegExp, act: () => unknown): void {
  assert.throws(act, (thrown) => {
    assert.ok(isCode(thrown, code), String(thrown))
    assert.match(thrown.message, text)
    assert.ok((thrown.hint ?? '') !== '', 'no hint')
    return true
  })
}

function check(built: Pattern<number, unknown>, options: MatchOptions = {}): void {
  checkMatchSpec('find', matchSpec(built, options))
}

test('a pattern is a value: each call gives another one and leaves the old as it was', () => {
  const b = a.then.one('b')
  const limited = b.within('1s')
  assert.equal(a.spec.parts.length, 1)
  assert.equal(b.spec.parts.length, 2)
  assert.equal(b.spec.withinMs, null)
  assert.equal(limited.spec.withinMs, 1000)
  assert.equal(limited.followedBy.one('c').spec.withinMs, 1000)
  assert.ok(Object.isFrozen(a))
})

test('parts as data', () => {
  const built = a.followedBy
    .some('rises', yes, { atLeast: 2, atMost: 5, greedy: true, between: 'then' })
    .then.none('drop', yes)
    .followedByAny.one('end', yes, { optional: true })
  const [first, ...rest] = built.spec.parts
  assert.equal(first?.name, 'a')
  assert.deepEqual(
    rest.map(({ name, link, atLeast, atMost }) => [name, link, atLeast, atMost]),
    [
      ['rises', 'followedBy', 2, 5],
      ['drop', 'then', 0, 0],
      ['end', 'followedByAny', 0, 1],
    ],
  )
  assert.deepEqual([rest[0]?.greedy, rest[0]?.between], [true, 'then'])
})

test('a pattern as text', () => {
  const built = a.followedBy
    .some('rises', yes, { atLeast: 2, atMost: 5, greedy: true, between: 'then' })
    .then.none('drop', yes)
    .followedByAny.some('more', yes)
    .then.some('two', yes, { atLeast: 2, atMost: 2 })
    .then.one('end', yes, { optional: true })
  const text = [
    'a followedBy rises{2,5} greedy (then) then none drop followedByAny more{1,}',
    'then two{2} then end?',
  ].join(' ')
  assert.deepEqual(matchSettings(matchSpec(built.within('90s'))), {
    pattern: text,
    within: '1m30s',
    'after match': 'skip past last',
  })
  const policies = ['none', 'to next', { toFirst: 'a' }, { toLast: 'a' }] as const
  assert.deepEqual(
    policies.map((afterMatch) => matchSettings(matchSpec(a, { afterMatch }))['after match']),
    ['none', 'to next', 'to first a', 'to last a'],
  )
})

test('a pattern is no promise', async () => {
  assert.equal(await Promise.resolve(a), a)
})

test('a part that cannot be is refused at once, by its name', () => {
  const bad = 'invalid-argument'
  const untyped = pattern<number>() as unknown as Record<string, (...args: unknown[]) => unknown>
  const any = a.followedByAny as unknown as Record<string, (...args: unknown[]) => unknown>
  refused(bad, /part 'a' .*another part has this name/, () => a.then.one('a' as 'b'))
  refused(bad, /part 'no' .*cannot begin with none/, () => untyped['none']?.('no', yes))
  refused(bad, /part 'no' .*followedByAny/, () => any['none']?.('no', yes))
  refused(bad, /part 'no' .*may be absent/, () => {
    return pattern<number>().some('x', yes, { atLeast: 0 }).followedBy.none('no', yes)
  })
  refused(bad, /atLeast 3 is more than atMost 2/, () =>
    a.then.some('b', yes, { atLeast: 3, atMost: 2 }),
  )
  for (const atLeast of [-1, 1.5, Number.NaN]) {
    refused(bad, /part 'b' .*atLeast/, () => a.then.some('b', yes, { atLeast }))
  }
  for (const atMost of [0, 1.5, Number.NaN]) {
    refused(bad, /part 'b' .*atMost/, () => a.then.some('b', yes, { atLeast: 0, atMost }))
  }
  refused(bad, /part 'b' .*greedy/, () => {
    return a.then.some('b', yes, { greedy: true, between: 'followedByAny' })
  })
  refused(bad, /part 'b' .*between/, () => a.then.some('b', yes, { between: 'next' as 'then' }))
  refused(bad, /part 'b' .*condition/, () => a.then.one('b', 1 as unknown as typeof yes))
  for (const name of ['', 'a b', '__proto__']) refused(bad, /named/, () => a.then.one(name))
})

test('within: a duration of at least a millisecond, once', () => {
  refused('invalid-argument', /0ms/, () => a.within('0ms'))
  refused('invalid-argument', /one within/, () => a.within('1s').within('2s'))
  refused('invalid-duration', /within/, () => a.within('1 s' as '1s'))
})

test('the number of parts is limited', () => {
  let built: Pattern<number, unknown> = pattern<number>().one('p0')
  for (let i = 1; i < partCountMax; i++) built = built.then.one(`p${i}`)
  refused('invalid-argument', /at most 28/, () => built.then.one('more'))
})

test('match takes patterns only', () => {
  const start = pattern<number>() as unknown as typeof a
  refused('invalid-argument', /at least one part/, () => matchSpec(start))
  refused('invalid-argument', /a pattern/, () => matchSpec(null as unknown as typeof a))
  refused('invalid-argument', /afterMatch/, () => matchSpec(a, { afterMatch: 'x' as 'none' }))
  refused('invalid-argument', /afterMatch/, () => matchSpec(a, { afterMatch: {} as 'none' }))
})

test('after-match policies as data', () => {
  const kinds = (options: MatchOptions<{ a: number }>): unknown => matchSpec(a, options).afterMatch
  assert.deepEqual(kinds({}), { kind: 'past-last' })
  assert.deepEqual(kinds({ afterMatch: 'skip past last' }), { kind: 'past-last' })
  assert.deepEqual(kinds({ afterMatch: 'to next' }), { kind: 'next' })
  assert.deepEqual(kinds({ afterMatch: 'none' }), { kind: 'none' })
  assert.deepEqual(kinds({ afterMatch: { toFirst: 'a' } }), { kind: 'first', part: 'a' })
  assert.deepEqual(kinds({ afterMatch: { toLast: 'a' } }), { kind: 'last', part: 'a' })
})

test('a pattern that cannot work as a whole is refused, naming the step', () => {
  const plan = 'invalid-plan'
  const maybe = pattern<number>().one('a', yes, { optional: true })
  refused(plan, /every part .*step 'find'/, () => check(maybe.within('1s')))
  const end = a.followedBy.none('no', yes)
  refused(plan, /'no' is absence at the end .*step 'find'/, () => check(end, { unbounded: true }))
  check(end.within('1s'))
  const toNone = { afterMatch: { toFirst: 'no' as never } }
  refused(plan, /'no', which no match has/, () => check(end.within('1s'), toNone))
  const unknown = { afterMatch: { toLast: 'x' as never } }
  refused(plan, /'x', which no match has/, () => check(a.within('1s'), unknown))
  const greedy = a.followedBy.some('b', yes, { greedy: true })
  refused(plan, /'b' is greedy at the end/, () => check(greedy, { unbounded: true }))
  check(greedy.within('1s'))
  check(a.then.some('b', yes, { greedy: true, between: 'then' }), { unbounded: true })
})

test('without within, state that could grow for ever is refused unless it is asked for', () => {
  const endless: readonly (readonly [Pattern<number, unknown>, string])[] = [
    [a.followedBy.one('b'), 'b'],
    [a.then.one('b').followedByAny.one('c'), 'c'],
    [a.then.some('b', yes, { between: 'then' }), 'b'],
    [a.then.some('b', yes, { atMost: 3 }), 'b'],
    [pattern<number>().some('b', yes, { atMost: 3, between: 'followedByAny' }), 'b'],
    [a.followedBy.none('no', yes).followedBy.one('b'), 'b'],
  ]
  for (const [built, part] of endless) {
    refused('invalid-plan', new RegExp(`part '${part}' .*step 'find'`), () => check(built))
    check(built, { unbounded: true })
    check(built.within('1s'))
    assert.ok(matchGrows(matchSpec(built)))
    assert.ok(!matchGrows(matchSpec(built.within('1s'))))
    assert.match(matchStateText(matchSpec(built)), /without limit/)
    assert.match(matchStateText(matchSpec(built.within('1s'))), /within 1s/)
  }
  const strict = a.then.some('b', yes, { atMost: 3, between: 'then' }).then.one('c')
  check(strict)
  check(strict.followedBy.none('no', yes).then.one('d'))
  assert.ok(!matchGrows(matchSpec(strict)))
})
