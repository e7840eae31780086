/** The long run's own comparison must see what is lost, doubled, changed and out of order. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { Expected } from './expected.ts'
import type { Click, OutputTopic } from './pipeline.ts'

const click: Click = { id: 1, user: 'u', page: 'p', value: 7, at: 100_500 }
const order = { id: 5, customer: 'c', cents: 30 }

function filled(): Expected {
  const expected = new Expected()
  expected.click(click)
  expected.click({ ...click, id: 2, value: 2, at: 101_000 })
  expected.order('c', 30)
  expected.order('c', 12)
  expected.payment({ order: 5, cents: 30, at: 101_000 }, 0)
  expected.letter('clicks.late')
  return expected
}

const amounts = { n: 2, sum: 9 }
const perUser = { key: 'u', window: { start: 100_000, end: 110_000 }, ...amounts }
const perPage = [50, 60, 70, 80, 90, 100].map((start) => {
  const window = { start: start * 1000, end: start * 1000 + 60_000 }
  return { key: 'p', window, ...amounts, max: 7 }
})
const session = { key: 'u', window: { start: 100_500, end: 103_000 }, ...amounts }
const paid = { left: order, right: { order: 5, cents: 30, at: 101_000 } }
const right: readonly (readonly [OutputTopic, object])[] = [
  ['per-user', perUser],
  ...perPage.map((row) => ['per-page', row] as const),
  ['sessions', session],
  ['paid', paid],
  ['spent', { key: 'c', n: 1, cents: 30 }],
  ['spent', { key: 'c', n: 2, cents: 42 }],
  ['clicks.late', click],
]

function take(expected: Expected, results: typeof right): void {
  for (const [topic, value] of results) expected.take(topic, JSON.stringify(value), 10)
}

test('all that is right leaves nothing to wait for', () => {
  const expected = filled()
  take(expected, right)
  assert.equal(expected.waiting, 0)
  assert.deepEqual(expected.missing(), [])
  assert.deepEqual(expected.latenciesMs, [10])
})

test.for(right.map((_, i) => i))('result %i is missed when it never comes', (lost) => {
  const expected = filled()
  const rest = right.filter((_, i) => i !== lost)
  const isFirstSpent = right[lost]?.[0] === 'spent' && lost === right.length - 3
  if (isFirstSpent) {
    assert.throws(() => take(expected, rest), /lost, twice or out of order/)
    return
  }
  take(expected, rest)
  assert.equal(expected.waiting, 1)
  assert.equal(expected.missing().length, 1)
})

test.for(right.map((_, i) => i))('result %i is refused the second time', (doubled) => {
  const expected = filled()
  take(expected, right)
  assert.throws(() => take(expected, right.slice(doubled, doubled + 1)), /twice|too many|more than/)
})

const wrong: readonly (readonly [OutputTopic, object])[] = [
  ['per-user', { ...perUser, n: 3 }],
  ['per-user', { ...perUser, sum: 8 }],
  ['per-user', { ...perUser, window: { start: 90_000, end: 100_000 } }],
  ['per-page', { ...perPage[0], max: 6 }],
  ['sessions', { ...session, n: 3 }],
  ['sessions', { ...session, sum: 8 }],
  ['sessions', { ...session, window: { start: 100_500, end: 101_000 } }],
  ['paid', { ...paid, left: { ...order, id: 6 } }],
  ['paid', { ...paid, right: { ...paid.right, cents: 31 } }],
  ['spent', { key: 'c', n: 2, cents: 42 }],
  ['clicks.dead', click],
]
test.for(wrong)('%s %j is refused', ([topic, value]) => {
  assert.throws(() => filled().take(topic, JSON.stringify(value), 0))
})

test('sessions of a user that overlap are refused', () => {
  const expected = filled()
  const half = { ...session, n: 1, sum: 7 }
  take(expected, [['sessions', half]])
  assert.throws(() => take(expected, [['sessions', { ...half, sum: 2 }]]), /overlap/)
})
