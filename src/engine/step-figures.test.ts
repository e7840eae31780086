import { expect, test } from 'vitest'
import type { Push } from './operators/operator.ts'
import { StepFigures } from './step-figures.ts'

/** A clock that moves only when it is told to. */
function bench() {
  let nowNs = 0
  const figures = new StepFigures(() => nowNs)
  const spend = (ns: number): void => {
    nowNs += ns
  }
  return { figures, spend }
}

/** in → first → (second, third); each step takes so many ns by itself. */
function chain(own: { readonly first: number; readonly second: number; readonly third: number }) {
  const { figures, spend } = bench()
  const end = (ns: number): Push => {
    return () => spend(ns)
  }
  const second = figures.edge('first', 'second', end(own.second))
  const third = figures.edge('first', 'third', end(own.third))
  const entry = figures.entry('first', (value, key, time) => {
    spend(own.first)
    second(value, key, time)
    if (value !== 'odd') third(value, key, time)
  })
  return { figures, entry }
}

test('records of each edge', () => {
  const { figures, entry } = chain({ first: 1, second: 1, third: 1 })
  for (const value of ['odd', 'even', 'even']) entry(value, 'k', 0)
  expect(figures.edges).toEqual([
    { from: 'first', to: 'second', records: 3 },
    { from: 'first', to: 'third', records: 2 },
    { from: '', to: 'first', records: 3 },
  ])
})

test('the time of a step is its own, without those behind it; of one record in 1,024', () => {
  const { figures, entry } = chain({ first: 1_000, second: 50_000, third: 200 })
  for (let i = 0; i < 1_023; i++) entry('even', 'k', 0)
  expect(figures.timesOf('first')).toBeNull()
  for (let i = 0; i < 10_000; i++) entry('even', 'k', 0)
  for (const [step, ns] of [
    ['first', 1_000],
    ['second', 50_000],
    ['third', 200],
  ] as const) {
    const { p50Ns, p99Ns } = figures.timesOf(step) ?? { p50Ns: 0, p99Ns: 0 }
    expect(p50Ns / ns).toBeGreaterThan(0.9)
    expect(p50Ns / ns).toBeLessThan(1.1)
    expect(p99Ns).toBe(p50Ns)
  }
})

test('a step that throws is timed no more, and hides nothing of those after it', () => {
  const { figures, spend } = bench()
  let isFailing = true
  const end = figures.edge('first', 'second', () => {
    spend(100)
    if (isFailing) throw new Error('no')
  })
  const entry = figures.entry('first', end)
  for (let i = 0; i < 1_024; i++) expect(() => entry(i, null, 0)).toThrow('no')
  isFailing = false
  for (let i = 0; i < 1_024; i++) entry(i, null, 0)
  expect(figures.timesOf('second')?.p50Ns).toBeGreaterThan(90)
  expect(figures.timesOf('second')?.p50Ns).toBeLessThan(110)
})

test('the last records are kept only while somebody looks', () => {
  const { figures, entry } = chain({ first: 1, second: 1, third: 1 })
  entry('before', 'k', 0)
  const last = figures.watch('first')
  expect(last).toEqual({ taken: [], given: [] })
  for (let i = 0; i < 7; i++) entry(i, 'k', i)
  expect(last.taken.map(({ value }) => value)).toEqual([2, 3, 4, 5, 6])
  expect(last.given.length).toBe(5)
  expect(figures.watch('first')).toBe(last)
  figures.unwatch('first')
  entry('after', 'k', 0)
  expect(last.taken.at(-1)?.value).toBe(6)
  expect(figures.watch('first').taken).toEqual([])
})

test('dead and late by step', () => {
  const { figures } = bench()
  figures.isDead('a')
  figures.isDead('a')
  figures.isLate('b')
  expect([...figures.dead, ...figures.late]).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})
