import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import type { Key } from '../../core/key.ts'
import { chunkRows, FoundRows, RowLists } from './row-lists.ts'
import type { Look } from './row-lists.ts'
import { StateSet } from './state-set.ts'

interface Opened {
  readonly state: StateSet
  readonly lists: RowLists
}

function open(blobs: readonly Uint8Array[] = []): Opened {
  const state = new StateSet()
  const lists = new RowLists(
    { store: ({ part, ...form }) => state.store({ name: `s/${part}`, ...form }) },
    'rows',
  )
  for (const blob of blobs) state.restore(blob)
  state.restored()
  state.journal.begin()
  return { state, lists }
}

function found(lists: RowLists, key: Key, from: number, to: number, look: Look = 'all'): unknown[] {
  const rows = new FoundRows()
  lists.find(0, key, { from, to }, look, rows)
  return rows.rows.slice(0, rows.count)
}

test('rows come in order of arrival, by number, key and namespace', () => {
  const { lists } = open()
  assert.equal(lists.add(0, 'k', 'a', 5), 'opened')
  assert.equal(lists.add(0, 'k', 'b', 3), 'added')
  lists.add(0, ['k'], 'c', 4)
  lists.add(1, 'k', 'd', 4)
  assert.deepEqual(found(lists, 'k', -9, 9), ['a', 'b'])
  assert.deepEqual(found(lists, 'k', 3, 4), ['b'])
  assert.deepEqual(found(lists, ['k'], 4, 4), ['c'])
  assert.deepEqual([...lists.keys(0)], ['k', ['k']])
  lists.drop(0)
  assert.deepEqual(found(lists, 'k', -9, 9), [])
})

test('what is found is put in order of number, equal ones as they came', () => {
  const rows = new FoundRows()
  for (const [i, number] of [5, 2, 5, -1].entries()) rows.add(`r${i}`, number)
  rows.sort()
  assert.deepEqual(rows.rows, ['r3', 'r1', 'r0', 'r2'])
  assert.deepEqual(rows.numbers, [-1, 2, 5, 5])
})

interface ModelRow {
  readonly row: number
  readonly number: number
  isMarked: boolean
}

test('O3 O4 many rows, marks, undone records, commits and restarts: as a plain list', () => {
  const act = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('add'), at: fc.nat(30) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('mark'), at: fc.nat(30) }) },
    fc.record({ kind: fc.constantFrom('newest', 'commit', 'restart'), at: fc.nat(30) }),
  )
  const acts = fc.array(fc.tuple(act, fc.boolean(), fc.integer({ min: 1, max: 200 })), {
    minLength: 6,
    maxLength: 25,
  })
  let chunks = 0
  const property = fc.property(acts, (all) => {
    let { state, lists } = open()
    const blobs: Uint8Array[] = []
    let model: ModelRow[] = []
    let next = 0
    const commit = (): void => {
      const packed = state.pack()
      if (packed !== null) blobs.push(packed.bytes.slice())
    }
    for (const [{ kind, at }, isUndone, times] of all) {
      if (kind === 'commit' || kind === 'restart') {
        commit()
        if (kind === 'restart') ({ state, lists } = open(blobs))
        continue
      }
      const before = model.map((each) => ({ ...each }))
      state.journal.begin()
      if (kind === 'add') {
        for (let i = 0; i < times; i++) {
          model.push({ row: next, number: at + (i % 3), isMarked: false })
          lists.add(0, 'k', next++, at + (i % 3))
        }
      } else if (kind === 'mark') {
        const hit = model.filter(({ number }) => number >= at && number <= at + 4)
        assert.deepEqual(
          found(lists, 'k', at, at + 4, 'mark'),
          hit.map(({ row }) => row),
        )
        for (const each of hit) each.isMarked = true
      } else {
        lists.markNewest(0, 'k')
        const newest = model.at(-1)
        if (newest !== undefined) newest.isMarked = true
      }
      if (isUndone) {
        state.journal.undo()
        model = before
      }
      state.journal.begin()
    }
    commit()
    chunks = Math.max(chunks, Math.floor(model.length / chunkRows))
    for (const { lists: each } of [{ lists }, open(blobs)]) {
      assert.deepEqual(
        found(each, 'k', -99, 99),
        model.map(({ row }) => row),
      )
      assert.deepEqual(
        found(each, 'k', 7, 11, 'unmarked'),
        model.filter((m) => !m.isMarked && m.number >= 7 && m.number <= 11).map(({ row }) => row),
      )
    }
  })
  fc.assert(property, { numRuns: 200 })
  assert.ok(chunks >= 3, `${chunks} full chunks at most`)
})

test('a key with 100 000 rows: a new one packs a chunk, and a look-up opens what it must', () => {
  const { state, lists } = open()
  const rows = 100_000
  for (let i = 0; i < rows; i++) {
    state.journal.begin()
    lists.add(0, 'k', `row ${i}`, i)
  }
  const whole = state.pack()?.bytes.length ?? 0
  // Until the first snapshot has gone round, commits write slices of it too.
  const sizes: number[] = []
  for (let i = 0; i < 2000; i++) {
    state.journal.begin()
    lists.add(0, 'k', `row ${rows + i}`, rows + i)
    sizes.push(state.pack()?.bytes.length ?? 0)
  }
  const least = Math.min(...sizes)
  assert.ok(least * 100 < whole, `${least} of ${whole} bytes`)
  assert.deepEqual(found(lists, 'k', 5000, 5002), ['row 5000', 'row 5001', 'row 5002'])
  assert.deepEqual(found(lists, 'k', rows + 1999, rows + 9999), [`row ${rows + 1999}`])
})
