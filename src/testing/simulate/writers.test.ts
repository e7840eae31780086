/** Who wrote a record, also where that is heard of late or was not sure. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { taskOf } from '../../log/conformance/log-probe.ts'
import { Writers } from './writers.ts'

const place = { topic: 't', partition: 0 }
const one = taskOf({ task: 'main/0' })
const two = taskOf({ task: 'main/1' })
const three = taskOf({ task: 'main/2' })

/** The log ends there. */
function endingAt(endOffset: number): Parameters<Writers['mayWrite']>[2] {
  const partition = { partition: 0, startOffset: 0, endOffset, read: () => null }
  return { topics: new Map([['t', { partitions: [partition] }]]), tasksOf: () => [] }
}

const namesOf = (writers: Writers): string[] =>
  [0, 1, 2].map((offset) => writers.writerOf('t', 0, offset).name)

test('a commit that is heard of after the one behind it', () => {
  const writers = new Writers()
  writers.wrote(one, [{ ...place, baseOffset: 0, recordCount: 1 }])
  writers.mayWrite(three, [place], endingAt(2))
  writers.wrote(two, [{ ...place, baseOffset: 1, recordCount: 1 }])
  assert.deepEqual(namesOf(writers), ['main/0', 'main/1', 'main/2'])
})

test('a commit that did not happen: whoever writes there counts', () => {
  const writers = new Writers()
  writers.wrote(one, [{ ...place, baseOffset: 0, recordCount: 1 }])
  writers.mayWrite(two, [place], endingAt(1))
  writers.wrote(three, [{ ...place, baseOffset: 1, recordCount: 1 }])
  assert.deepEqual(namesOf(writers), ['main/0', 'main/2', 'main/2'])
})

test('a commit that was refused before it was written', () => {
  const writers = new Writers()
  writers.wrote(one, [{ ...place, baseOffset: 0, recordCount: 1 }])
  writers.mayWrite(two, [place], endingAt(1))
  const takeBack = writers.mayWrite(three, [place], endingAt(1))
  takeBack()
  assert.deepEqual(namesOf(writers), ['main/0', 'main/1', 'main/1'])
})
