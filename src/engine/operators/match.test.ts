import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Key } from '../../core/key.ts'
import { pattern } from '../../pipeline/pattern.ts'
import type { Pattern } from '../../pipeline/patterns/pattern-value.ts'
import { matchSpec } from '../../pipeline/patterns/match-options.ts'
import type { MatchOptions } from '../../pipeline/patterns/match-options.ts'
import { matchRun } from '../conformance/match-run.ts'
import type { OperatorRun } from '../conformance/operator-run.ts'

const is =
  (letter: string) =>
  (event: string): boolean => {
    if (event === 'poison') throw new Error('poison')
    return event.startsWith(letter)
  }

const a = pattern<string>().one('a', is('a'))
const ab = a.followedBy.one('b', is('b')).within('10ms')

function open(built: Pattern<string, unknown>, options: MatchOptions = {}): OperatorRun {
  return matchRun(matchSpec(built, options))
}

/** `a@3 b@5`: event and time, all of key `k`. */
function take(run: OperatorRun, events: string, key: Key | null = 'k'): void {
  for (const event of events.split(' ')) {
    const [value = '', time] = event.split('@')
    run.take(value, key, Number(time))
  }
}

/** What came since the last call: `match k@5 {"a":"a","b":"b"}`. */
function notes(run: OperatorRun): string[] {
  return run.notes.splice(0).map(({ output, key, timeMs, value }) => {
    const shown = value as { match?: unknown; partial?: unknown } | string | unknown[]
    const text =
      typeof shown === 'object' && !Array.isArray(shown) ? (shown.match ?? shown.partial) : shown
    return `${output} ${String(key)}@${timeMs} ${JSON.stringify(text)}`
  })
}

test('records wait until the watermark has passed them, and are matched in order of time', () => {
  const run = open(ab)
  take(run, 'b@5 a@3 a@9')
  run.advance(5)
  assert.deepEqual(notes(run), []) // one more might come at 5
  run.advance(6)
  assert.deepEqual(notes(run), ['match k@5 {"a":"a","b":"b"}'])
})

test('records of equal time are matched in order of arrival', () => {
  const run = open(a.then.one('b', is('b')).within('10ms'))
  take(run, 'b1@5 a@5 b2@5 b3@5')
  run.restart()
  take(run, 'a2@5 b4@5')
  run.advance(6)
  assert.deepEqual(notes(run), ['match k@5 {"a":"a","b":"b2"}', 'match k@5 {"a":"a2","b":"b4"}'])
})

test('a match tells key, parts, and the times of its first and last event', () => {
  const run = open(a.followedBy.some('b', is('b'), { atLeast: 2 }).within('10ms'))
  take(run, 'a@3 b1@4 b2@6')
  run.advance(7)
  const match = { a: 'a', b: ['b1', 'b2'] }
  assert.deepEqual(run.notes, [
    { output: 'match', key: 'k', timeMs: 6, value: { key: 'k', match, startTime: 3, endTime: 6 } },
  ])
})

test('what is begun is timed out when the watermark is at the deadline', () => {
  const run = open(ab)
  take(run, 'a@3')
  run.advance(12)
  assert.deepEqual(notes(run), [])
  run.advance(13)
  const value = { key: 'k', partial: { a: 'a' }, startTime: 3, deadline: 13 }
  assert.deepEqual(run.notes, [{ output: 'timed-out', key: 'k', timeMs: 12, value }])
})

test('an event one before the deadline is in, one at the deadline is out', () => {
  const run = open(ab)
  take(run, 'a@3 b@12')
  take(run, 'a@3 b@13', 'l')
  run.advance(100)
  assert.deepEqual(notes(run), ['match k@12 {"a":"a","b":"b"}', 'timed-out l@12 {"a":"a"}'])
})

test('absence is known at the deadline, with the event time before it', () => {
  const run = open(a.followedBy.none('b', is('b')).within('10ms'))
  take(run, 'a@3')
  take(run, 'a@3 b@12', 'l')
  take(run, 'a@3 b@13', 'm')
  run.advance(12)
  assert.deepEqual(notes(run), [])
  run.restart()
  run.advance(13)
  assert.deepEqual(notes(run), ['match k@12 {"a":"a"}', 'match m@12 {"a":"a"}'])
})

test('a record before the watermark is late, one at it is not', () => {
  const run = open(ab)
  run.advance(5)
  take(run, 'a@4 a@5 b@6')
  run.advance(7)
  assert.deepEqual(notes(run), ['late k@4 "a"', 'match k@6 {"a":"a","b":"b"}'])
  assert.deepEqual(run.lateSince, [5])
})

test('one advance: in order of time, then key, whatever the order of arrival', () => {
  const run = open(ab)
  take(run, 'b@8 a@1', 'l')
  take(run, 'a@2 b@8', 'k')
  take(run, 'a@1 b@6', 'm')
  take(run, 'a@-1', 'z')
  take(run, 'a@-2', 10)
  run.advance(20)
  assert.deepEqual(notes(run), [
    'match m@6 {"a":"a","b":"b"}',
    'timed-out 10@7 {"a":"a"}',
    'match k@8 {"a":"a","b":"b"}',
    'match l@8 {"a":"a","b":"b"}',
    'timed-out z@8 {"a":"a"}',
  ])
})

test('keys are told apart as keys are; a record without key is a dead letter', () => {
  const run = open(ab)
  for (const key of ['1', 1, 1n, true, ['1'], '', Number.NaN]) take(run, 'a@1', key)
  for (const key of ['1', 1, 1n, true, ['1'], '', Number.NaN]) take(run, 'b@2', key)
  take(run, 'a@1', null)
  assert.match(notes(run).join(), /^dead null@1 \["a",".*has no key.*"\]$/)
  run.advance(3)
  assert.equal(notes(run).length, 7)
})

test('O4 a record at which a condition throws is a dead letter, as if never there', () => {
  const run = open(a.then.one('b', is('b')).within('10ms'))
  take(run, 'a@1 poison@2 b@3')
  run.advance(10)
  assert.deepEqual(notes(run), [
    'dead k@2 ["poison","Error: poison"]',
    'match k@3 {"a":"a","b":"b"}',
  ])
  run.advance(20)
  run.commit()
  assert.equal(run.stateEntries, 0)
})

test('O4 a later step that throws at a match undoes nothing of the matching', () => {
  const run = open(a.followedByAny.one('b', is('b')).within('10ms'), { afterMatch: 'none' })
  run.refuse = (value) => {
    if (JSON.stringify(value).includes('b1')) throw new Error('later')
  }
  take(run, 'a@1 b1@2 b2@3')
  run.advance(5)
  const [dead, match] = notes(run)
  assert.match(dead ?? '', /^dead k@2 .*"match":.*Error: later/)
  assert.equal(match, 'match k@3 {"a":"a","b":"b2"}')
})

test('O3 what two keys hold of one time is forgotten for each by itself', () => {
  const run = open(a.followedBy.one('b', is('b')), { unbounded: true })
  take(run, 'a@1')
  take(run, 'a@1', 'l')
  run.advance(2)
  run.restart()
  take(run, 'b@3')
  run.advance(4)
  assert.deepEqual(notes(run), ['match k@3 {"a":"a","b":"b"}'])
  run.restart()
  assert.equal(run.stateEntries, 2) // the event of l, and what l has begun
  take(run, 'b@5', 'l')
  run.advance(6)
  assert.deepEqual(notes(run), ['match l@5 {"a":"a","b":"b"}'])
  run.restart()
  assert.equal(run.stateEntries, 0)
})

test('O3 an event is kept as long as a partial match holds it, and not much longer', () => {
  const built = a.followedBy.some('b', is('b'), { atMost: 2 }).followedBy.one('c', is('c'))
  const run = open(built.within('20ms'))
  for (let time = 0; time < 500; time++) {
    take(run, `${time % 2 === 0 ? 'a' : 'b'}@${time}`)
    run.advance(time)
    if (time % 100 === 0) run.restart()
    run.commit()
    // Ten of each letter are held, and up to as many again.
    assert.ok(run.stateEntries < 50, `${run.stateEntries} entries at ${time}`)
  }
})

test('O3 a long match is written without its beginning again for each partial match', () => {
  const run = open(a.followedBy.some('b', is('b')).followedBy.one('c', is('c')).within('1s'))
  take(run, Array.from({ length: 200 }, (_, i) => `${i === 0 ? 'a' : 'b'}@${i}`).join(' '))
  run.advance(200)
  run.commit()
  // 200 partial matches of up to 200 events each.
  assert.ok(run.blobBytes < 200 * 40, `${run.blobBytes} bytes`)
  run.restart()
  take(run, 'c@200')
  run.advance(201)
  assert.deepEqual(notes(run), ['match k@200 {"a":"a","b":["b"],"c":"c"}'])
})

test('negative and huge times', () => {
  const run = open(ab)
  take(run, 'a@-8640000000000000 b@-8639999999999999')
  run.advance(-8_639_999_999_999_990)
  assert.deepEqual(notes(run), ['match k@-8639999999999999 {"a":"a","b":"b"}'])
  take(run, 'a@8639999999999999 b@8640000000000000')
  run.advance(8_640_000_000_000_001)
  assert.deepEqual(notes(run), ['match k@8640000000000000 {"a":"a","b":"b"}'])
})

test('a deadline beyond the whole numbers that are exact is reached all the same', () => {
  const run = open(a.followedBy.one('b', is('b')).within('104249991d'))
  take(run, 'a@8639999999999997 a@8639999999999998 a@8639999999999999 a@8640000000000000')
  run.advance(Number.POSITIVE_INFINITY)
  assert.equal(notes(run).length, 4)
  run.restart()
  assert.equal(run.stateEntries, 0)
})
