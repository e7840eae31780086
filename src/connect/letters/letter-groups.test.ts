import { expect, test } from 'vitest'
import { BatchBuilder, RecordBatch } from '../../log/batch.ts'
import { letterAt } from './letter.ts'
import { LetterGroups } from './letter-groups.ts'

function letter(step: string, { time = 0, message = 'm' } = {}) {
  const builder = new BatchBuilder()
  const headers = { reason: 'step-failed', step, message, pipeline: 'p' }
  builder.add(
    null,
    'v',
    time,
    Object.entries(headers).map(([name, text]) => {
      return { name: `millrace-${name}`, value: Buffer.from(text) }
    }),
  )
  return letterAt(new RecordBatch('t.dead', 0, 0, builder.finish()), 0)
}

test('by reason, step and pipeline, the largest first, with times and the last message', () => {
  const groups = new LetterGroups()
  groups.add(letter('a', { time: 5, message: 'later' }), 'open', true)
  groups.add(letter('b', { time: 9 }), 'open', true)
  groups.add(letter('b', { time: 7 }), 'replayed', true)
  groups.add(letter('a', { time: 3, message: 'sooner' }), 'open', true)
  groups.add(letter('a'), 'discarded', false)
  groups.add(letter('a', { time: 4 }), 'open', true)
  expect(groups.counts).toEqual({ open: 4, replayed: 1, discarded: 1 })
  expect(groups.all).toMatchObject([
    { step: 'a', count: 3, firstMs: 3, lastMs: 5, message: 'later', pipeline: 'p' },
    { step: 'b', count: 2, firstMs: 7, lastMs: 9 },
  ])
})

test('what has too many steps is counted together', () => {
  const groups = new LetterGroups()
  for (let i = 0; i < 1_100; i++) groups.add(letter(`s${i}`), 'open', true)
  expect(groups.all).toHaveLength(1_001)
  expect(groups.all[0]).toMatchObject({ reason: '(others)', count: 100 })
})
