import { expect, test } from 'vitest'
import { Outputs } from './outputs.ts'

const never = new AbortController().signal

test('output has come again when every partition shows a record of then or later', async () => {
  const outputs = new Outputs(() => 0)
  const tell = (partition: number, id: number, topic = 'running'): void =>
    outputs.tell({ topic, partition, count: 1, id })
  tell(0, 5)
  tell(1, 9)
  tell(7, -1, 'windows')
  expect(outputs.partitionCount).toBe(2)
  expect(outputs.behind(6)).toEqual(['running/0'])
  let isReached = false
  const waiting = outputs.reached(6, 1000, never).then((reached) => (isReached = reached))
  tell(0, 4)
  expect(isReached).toBe(false)
  tell(0, 6)
  expect(await waiting).toBe(true)
})

test('waiting for output ends with its time, or when all is over', async () => {
  let nowMs = 100
  const outputs = new Outputs(() => nowMs)
  outputs.tell({ topic: 'counts', partition: 0, count: 3, id: 1 })
  nowMs = 350
  expect(outputs.quietMs).toBe(250)
  expect(outputs.count).toBe(3)
  expect(await outputs.reached(2, -1, never)).toBe(false)
  expect(await outputs.reached(2, 1000, AbortSignal.abort())).toBe(false)
})
