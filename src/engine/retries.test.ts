import assert from 'node:assert/strict'
import { test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { MillraceError } from '../core/error.ts'
import { Bell } from './bell.ts'
import { Retries } from './retries.ts'

function bench(attemptsMax = 3) {
  const clock = new VirtualClock(0)
  const bell = new Bell()
  const pauses: [attempt: number, inMs: number][] = []
  const told = { isStopping: false }
  const retries = new Retries({
    clock,
    bell,
    attemptsMax,
    isStopping: () => told.isStopping,
    onPause: (_, attempt, inMs) => pauses.push([attempt, inMs]),
  })
  const fail = async (thrown: unknown): Promise<void> => {
    const pausing = retries.pause(thrown)
    clock.advance(pauses.at(-1)?.[1] ?? 0)
    await pausing
  }
  return { clock, bell, pauses, told, retries, fail }
}

const failed = new Error('it failed')

test('each pause is twice the one before, up to 5 s; a success begins anew', async () => {
  const { pauses, retries, fail } = bench(Number.POSITIVE_INFINITY)
  for (let i = 0; i < 9; i++) await fail(failed)
  retries.succeeded()
  await fail(failed)
  const expected = [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 50]
  assert.deepEqual(
    pauses.map(([, inMs]) => inMs),
    expected,
  )
  assert.equal(pauses.at(-1)?.[0], 1)
})

test('too many failures in a row end it, but not while the log is away', async () => {
  const { fail, retries } = bench(3)
  const away = new MillraceError('log-unreachable', 'the log is away')
  for (let i = 0; i < 20; i++) await fail(away)
  retries.succeeded()
  await fail(failed)
  await fail(failed)
  await assert.rejects(fail(failed), failed)
})

test('what no other try would mend is thrown at once', async () => {
  const { fail, pauses } = bench()
  const fenced = new MillraceError('task-fenced', 'another has it')
  await assert.rejects(fail(fenced), fenced)
  const wrong = new MillraceError('invalid-argument', 'no')
  await assert.rejects(fail(wrong), wrong)
  assert.deepEqual(pauses, [])
})

test('a stop ends the pause, and makes the next failure the last', async () => {
  const { bell, told, retries } = bench()
  const pausing = retries.pause(failed)
  told.isStopping = true
  bell.ring()
  await pausing
  await assert.rejects(retries.pause(failed), failed)
})
