import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import { AtomicRecord } from './atomic-record.ts'
import { Outputs } from './outputs.ts'
import { Journal } from './state/store.ts'

function open() {
  const seen = { late: 0, printed: '' }
  const record = new AtomicRecord(new Journal(), new Outputs(), {
    print: (text) => {
      seen.printed += text
    },
    late: (records) => {
      seen.late += records
    },
  })
  return { record, seen }
}

const fault = new Error('of a function')

test('O4 what was late in a record that failed was not', () => {
  const { record, seen } = open()
  record.begin()
  assert.equal(record.late('a', true), 'first')
  record.undo(fault)
  record.begin()
  assert.equal(seen.late, 0)
  assert.equal(record.late('a', true), 'first')
  record.begin()
  assert.equal(seen.late, 1)
})

test('one record is late once for each step', () => {
  const { record, seen } = open()
  record.begin()
  assert.deepEqual(
    ['a', 'b', 'a'].map((step) => record.late(step, true)),
    ['first', 'first', 'again'],
  )
  record.begin()
  assert.equal(record.late('a', true), 'first')
  record.begin()
  assert.equal(seen.late, 3)
})

test('O4 what a record that failed printed is not shown, what others did is', () => {
  const { record, seen } = open()
  record.begin()
  record.print('one ')
  record.begin()
  record.print('two ')
  record.undo(fault)
  record.begin()
  record.print('three')
  record.flushPrints()
  assert.equal(seen.printed, 'one three')
})

test('a fault of the engine is no fault of a record', () => {
  const { record } = open()
  record.begin()
  const thrown = new MillraceError('assertion-failed', 'the engine is wrong')
  assert.throws(
    () => record.undo(thrown),
    (error) => error === thrown,
  )
})
