import assert from 'node:assert/strict'
import { test } from 'vitest'
import {
  chainOf,
  isForOther,
  keptInLetter,
  keptInReplay,
  placeOf,
  replayHeaders,
} from './replay-headers.ts'

const chain = {
  letter: { topic: 'a.dead', partition: 1, offset: 5 },
  first: { topic: 'a', partition: 1, offset: 9_007_199_254_740_991 },
  attempt: 3,
}
const header = (name: string, text = 'x') => ({ name, value: Buffer.from(text) })
const names = (headers: readonly { name: string }[]) => headers.map(({ name }) => name)

test('what is written is read again; for whom it is goes its own way', () => {
  const headers = replayHeaders(chain, 'p')
  assert.deepEqual(chainOf(headers), chain)
  assert.equal(isForOther(headers, 'p'), false)
  assert.equal(isForOther(headers, 'q'), true)
  assert.equal(isForOther(replayHeaders(chain, null), 'q'), false)
  assert.equal(isForOther([], 'q'), false)
})

test('headers of others are kept, ours only as far as they belong to the record', () => {
  const all = [
    header('trace'),
    header('millrace-reason'),
    header('millrace-request'),
    header('millrace-key-type', 'number'),
    ...replayHeaders(chain, 'p'),
  ]
  assert.deepEqual(names(keptInLetter(all)), [
    'trace',
    'millrace-key-type',
    'millrace-letter',
    'millrace-first',
    'millrace-attempt',
  ])
  assert.deepEqual(names(keptInReplay(all)), ['trace', 'millrace-key-type'])
})

test('what somebody else wrote under our names is no chain', () => {
  assert.equal(chainOf([]), null)
  assert.equal(chainOf([{ name: 'millrace-letter', value: null }]), null)
  const wrong = [
    '',
    'a',
    'a/0',
    'a/0/',
    'a/-1/0',
    'a/0/1.5',
    'a/0/1/2',
    '/0/1',
    `a/0/${'9'.repeat(17)}`,
  ]
  for (const text of wrong) assert.equal(placeOf(text), null, text)
  const headers = replayHeaders(chain, null).filter(({ name }) => name !== 'millrace-attempt')
  assert.equal(chainOf([...headers, header('millrace-attempt', 'many')]), null)
})
