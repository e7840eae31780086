import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualOutside } from '../../testing/virtual-outside.ts'
import { Call, CallPool } from './call-pool.ts'
import type { CallInfo, CallRules } from './call-pool.ts'

const rules: CallRules = { concurrency: 2, timeoutMs: 100, retries: 0, backoffMs: 10 }

function open(given: Partial<CallRules> = {}) {
  const outside = new VirtualOutside(0)
  const pool = new CallPool({ ...rules, ...given }, outside)
  const asked: CallInfo[] = []
  /** A call that the test answers. */
  const add = () => {
    const answers: PromiseWithResolvers<unknown>[] = []
    const call = new Call((info) => {
      asked.push(info)
      const answer = Promise.withResolvers<unknown>()
      answers.push(answer)
      return answer.promise
    })
    pool.add(call)
    return { call, answers }
  }
  return { outside, pool, asked, add }
}

/** Lets promises that are settled tell so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('at most so many at a time, the others in order', async () => {
  const { pool, asked, add } = open()
  const calls = [add(), add(), add(), add()]
  assert.equal(asked.length, 2)
  assert.equal(pool.isFull, true)
  calls[1]?.answers[0]?.resolve('second')
  await settle()
  assert.equal(asked.length, 3)
  assert.deepEqual(calls[1]?.call.outcome, { kind: 'answer', value: 'second' })
  for (const i of [0, 2]) calls[i]?.answers[0]?.resolve(i)
  await settle()
  calls[3]?.answers[0]?.resolve(3)
  await settle()
  assert.deepEqual([pool.underWay, pool.isFull], [0, false])
})

test('a timeout ends the attempt: its signal says so, a late answer is nothing', async () => {
  const { outside, add, asked, pool } = open()
  const { call, answers } = add()
  const { signal } = asked[0] as CallInfo
  outside.reach(99)
  const before = call.outcome
  outside.reach(100)
  assert.deepEqual([before, call.outcome === null], [null, false])
  assert.match(JSON.stringify(call.outcome), /"failure".*"step-failed"/)
  assert.equal(signal.aborted, true)
  assert.match(String(signal.reason), /no answer within 100ms/)
  const late = call.outcome
  answers[0]?.reject(new Error('too late'))
  await settle()
  assert.equal(call.outcome, late)
  const other = add()
  outside.reach(200)
  other.answers[0]?.resolve('too late')
  await settle()
  assert.equal(other.call.outcome?.kind, 'failure')
  assert.equal(pool.underWay, 0)
})

test('repeats come after pauses that double; the last failure counts', async () => {
  const { outside, add, asked } = open({ retries: 2 })
  const { call, answers } = add()
  answers[0]?.reject(new Error('first'))
  await settle()
  outside.reach(9)
  assert.equal(asked.length, 1)
  outside.reach(10)
  assert.equal(asked.length, 2)
  outside.reach(110) // the second attempt takes too long; a pause of 20 follows
  outside.reach(129)
  assert.equal(asked.length, 2)
  outside.reach(130)
  assert.deepEqual(
    asked.map(({ attempt }) => attempt),
    [1, 2, 3],
  )
  answers[2]?.reject('third')
  await settle()
  assert.deepEqual(call.outcome, { kind: 'failure', thrown: 'third' })
})

test('a pause keeps its place, and is no longer than 30 s', async () => {
  const { outside, add, asked, pool } = open({ concurrency: 1, retries: 1, backoffMs: 60_000 })
  const first = add()
  add()
  first.answers[0]?.reject(new Error('no'))
  await settle()
  add() // must not take the place, nor let the one before it do so
  assert.deepEqual([pool.underWay, pool.isFull, asked.length], [0, true, 1])
  outside.reach(30_000)
  assert.deepEqual([pool.underWay, asked.length], [1, 2])
  assert.equal(first.call.attempt, 2)
})

test('a function that throws, or gives no promise, is as one that answers', async () => {
  const { pool } = open()
  const thrown = new Error('at once')
  const failing = new Call(() => {
    throw thrown
  })
  const plain = new Call(() => 5)
  pool.add(failing)
  pool.add(plain)
  assert.deepEqual(failing.outcome, { kind: 'failure', thrown })
  await settle()
  assert.deepEqual(plain.outcome, { kind: 'answer', value: 5 })
})

test('closed: calls are told to stop, none begins, answers change nothing', async () => {
  const { pool, add, asked, outside } = open({ concurrency: 1, retries: 3 })
  const { call, answers } = add()
  const { signal } = asked[0] as CallInfo
  add()
  pool.close()
  assert.equal(signal.aborted, true)
  answers[0]?.reject(new Error('nobody hears it')) // unhandled, it would end the run of tests
  await settle()
  outside.reach(1_000_000)
  assert.deepEqual([call.outcome, asked.length, pool.underWay], [null, 1, 0])
})

test('dropped, a call makes room for the next', async () => {
  const { pool, add, asked } = open({ concurrency: 1 })
  const first = add()
  const second = add()
  const third = add()
  pool.drop(second.call)
  pool.drop(first.call)
  assert.equal(asked.length, 2)
  third.answers[0]?.resolve(3)
  await settle()
  assert.deepEqual([first.call.outcome, second.call.outcome], [null, null])
  assert.deepEqual(third.call.outcome, { kind: 'answer', value: 3 })
})
