import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import { codeName, errorCode } from './error-codes.ts'
import { TryAgain, isTransient, retrying } from './retrying.ts'

/** Time passes by itself; `pauses` are those that were made. */
function hastyClock(): { clock: VirtualClock; pauses: number[] } {
  const clock = new VirtualClock(0)
  const pauses: number[] = []
  const after = clock.after.bind(clock)
  clock.after = (delayMs, run) => {
    pauses.push(delayMs)
    const cancel = after(delayMs, run)
    queueMicrotask(() => clock.advance(delayMs))
    return cancel
  }
  return { clock, pauses }
}

const away = new MillraceError('log-unreachable', 'nobody answers')

test('what may pass is tried again with growing pauses', async () => {
  const { clock, pauses } = hastyClock()
  let left = 5
  const work = (): Promise<string> => {
    if (left-- === 0) return Promise.resolve('done')
    return Promise.reject(left % 2 === 0 ? away : new TryAgain(new Error('busy')))
  }
  const options = { clock, limitMs: 10_000, pauseMs: 20, pauseMsMax: 100 }
  assert.equal(await retrying(work, options), 'done')
  assert.deepEqual(pauses, [20, 40, 80, 100, 100])
})

test('when the time is over the last failure is thrown', async () => {
  const { clock, pauses } = hastyClock()
  const busy = (): Promise<never> => Promise.reject(new TryAgain(new Error('busy')))
  await assert.rejects(retrying(busy, { clock, limitMs: 100, pauseMs: 30 }), /busy/)
  assert.deepEqual(pauses, [30, 60])
  const silent = (): Promise<never> => Promise.reject(away)
  await assert.rejects(retrying(silent, { clock, limitMs: 10 }), (error) => error === away)
})

test('what does not pass by itself is thrown at once', async () => {
  const { clock, pauses } = hastyClock()
  let count = 0
  const work = (): Promise<never> => {
    count += 1
    return Promise.reject(new MillraceError('not-authorised', 'no'))
  }
  await assert.rejects(retrying(work, { clock, limitMs: 1_000 }), /no/)
  assert.deepEqual([count, pauses.length], [1, 0])
})

test('codes that say "not now" are told from the others', () => {
  assert.equal(isTransient(errorCode.notLeaderOrFollower), true)
  assert.equal(isTransient(errorCode.none), false)
  assert.equal(isTransient(errorCode.producerFenced), false)
})

test('codes have the names of the Kafka documentation', () => {
  assert.equal(codeName(6), 'NOT_LEADER_OR_FOLLOWER (6)')
  assert.equal(codeName(-1), 'UNKNOWN_SERVER_ERROR (-1)')
  assert.equal(codeName(130), 'STREAMS_INVALID_TOPOLOGY (130)')
  assert.equal(codeName(9_999), 'unknown error (9999)')
})
