import assert from 'node:assert/strict'
import { test } from 'vitest'
import { collect, count, distinct, from, json, sum, topic } from '../../index.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'

const orders = topic('orders', {
  codec: json<{ who: string | null; amount: number }>(),
  key: (order) => order.who,
})
const out = topic('out')

test('one result a record, with its event time; keys do not see each other; never late', () => {
  const test = testPipeline(
    from(orders)
      .keyBy((order) => order.who ?? '')
      .aggregate({ n: count(), total: sum((order) => order.amount) })
      .to(out),
  )
  for (const [who, amount, time] of [
    ['a', 5, 1000],
    ['b', 7, 500],
    ['a', 1, -3],
    ['', 2, 8.64e15],
    ['a', 1, 0],
  ] as const) {
    test.push(orders, { who, amount }, { time })
  }
  assert.deepEqual(
    test.records('out').map(({ value, time }) => [value, time]),
    [
      [{ key: 'a', n: 1, total: 5 }, 1000],
      [{ key: 'b', n: 1, total: 7 }, 500],
      [{ key: 'a', n: 2, total: 6 }, -3],
      [{ key: '', n: 1, total: 2 }, 8.64e15],
      [{ key: 'a', n: 3, total: 7 }, 0],
    ],
  )
  assert.deepEqual(test.late(), [])
})

test('keys of any kind, arrays by content', () => {
  const test = testPipeline(
    from(orders)
      .keyBy((order) => [order.who ?? '', order.amount > 5])
      .aggregate({ n: count() })
      .to(out),
  )
  for (const amount of [1, 9, 2]) test.push(orders, { who: 'a', amount })
  assert.deepEqual(test.outputs('out'), [
    { key: ['a', false], n: 1 },
    { key: ['a', true], n: 1 },
    { key: ['a', false], n: 2 },
  ])
  assert.equal(test.records('out')[0]?.key, '["a",false]')
})

test('reduce takes the first value as it is', () => {
  const test = testPipeline(
    from(orders)
      .map((order) => String(order.amount))
      .keyBy(() => 1)
      .reduce((soFar, next) => `${soFar}+${next}`)
      .to(out),
  )
  for (const amount of [1, 2, 3]) test.push(orders, { who: 'a', amount })
  assert.deepEqual(test.outputs('out'), [
    { key: 1, value: '1' },
    { key: 1, value: '1+2' },
    { key: 1, value: '1+2+3' },
  ])
})

test('a record without key is a dead letter of the step, named rightly', () => {
  const test = testPipeline(
    from(orders)
      .map((order) => order)
      .named('before')
      .keyBy((order) => order.who as string)
      .aggregate({ n: count() })
      .named('count')
      .to(out),
  )
  test.push(orders, { who: 'a', amount: 1 })
  test.push(orders, { who: null, amount: 1 })
  const letters = test.deadLetters()
  assert.equal(letters.length, 1)
  assert.match(letters[0]?.step ?? '', /key-by/) // null is no key
  const direct = testPipeline(
    from(topic('in', { key: 'record' }))
      .aggregate({ n: count() })
      .named('count')
      .to(out),
  )
  direct.push('in', 1)
  assert.deepEqual(
    direct.deadLetters().map(({ step, reason }) => [step, reason]),
    [['count', 'step-failed']],
  )
})

test('O4 what a record did to growing folds is undone wherever a later step throws', () => {
  const test = testPipeline(
    from(orders)
      .flatMap((order) => [order.amount, order.amount + 1])
      .keyBy(() => 'k')
      .aggregate({ all: collect(), kinds: distinct((n) => n), total: sum((n) => n) })
      .map((result) => {
        if (result.all.at(-1) === 13) throw new Error('thirteen')
        return result
      })
      .to(out),
  )
  for (const amount of [1, 12, 2, 12, 1]) test.push(orders, { who: 'a', amount })
  assert.deepEqual(test.outputs('out'), [
    { key: 'k', all: [1], kinds: 1, total: 1 },
    { key: 'k', all: [1, 2], kinds: 2, total: 3 },
    { key: 'k', all: [1, 2, 2], kinds: 2, total: 5 },
    { key: 'k', all: [1, 2, 2, 3], kinds: 3, total: 8 },
    { key: 'k', all: [1, 2, 2, 3, 1], kinds: 3, total: 9 },
    { key: 'k', all: [1, 2, 2, 3, 1, 2], kinds: 3, total: 11 },
  ])
  assert.deepEqual(
    test.deadLetters().map(({ offset }) => offset),
    [1, 3],
  )
})

test('O4 a field that cannot be computed leaves the other fields as they were', () => {
  const test = testPipeline(
    from(orders)
      .keyBy(() => 'k')
      .aggregate({
        all: collect((order) => order.amount),
        n: count(),
        total: sum((order) => (order.amount === 0 ? Number.NaN : order.amount)),
      })
      .to(out),
  )
  for (const amount of [0, 5, 0, 6]) test.push(orders, { who: 'a', amount })
  assert.deepEqual(test.outputs('out'), [
    { key: 'k', all: [5], n: 1, total: 5 },
    { key: 'k', all: [5, 6], n: 2, total: 11 },
  ])
  assert.equal(test.deadLetters().length, 2)
})
