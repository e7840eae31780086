/** What a destination asks for by `retryAfterMs` is heeded. */
import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { ErrorCode } from '../../core/error.ts'
import { createOutbox, deliverOutbox, fill, until, withTime } from '../conformance/outbox-case.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { action } from '../sinks/action.ts'
import { askedPauseMs } from './backoff.ts'

test.for([
  ['sink-unavailable', 30_000],
  ['sink-failed', 30_000],
] as const)('%s with retryAfterMs: the next try comes after %i ms', async ([code, ms]) => {
  const triedAtMs = await tries(code, ms)
  const [first = 0, second = 0] = triedAtMs
  expect(second - first).toBeGreaterThanOrEqual(ms)
  expect(second - first).toBeLessThan(ms + 1_000)
})

test.for(['sink-unavailable', 'sink-failed'] as const)('%s without: soon', async (code) => {
  const [first = 0, second = 0] = await tries(code, undefined)
  expect(second - first).toBeLessThan(2_000)
})

test('a destination that is away is left alone with all records, not one', async () => {
  const clock = new VirtualClock(1_700_000_000_000)
  const log = openMemoryLog({ clock })
  await createOutbox(log)
  const triedAtMs: number[] = []
  const fail = (): never => {
    throw new MillraceError('sink-unavailable', 'later', { retryAfterMs: 30_000 })
  }
  const sink = action(
    's',
    () => {
      triedAtMs.push(clock.now())
      if (triedAtMs.length === 1) fail()
    },
    { concurrency: 1 },
  )
  const run = await deliverOutbox(log, sink, { clock })
  await fill(
    log,
    ['a', 'b', 'c'].map((key) => ({ key, value: 0 })),
  )
  await until(clock, () => triedAtMs.length === 4, { stepMs: 50, what: 'the other tries' })
  expect((triedAtMs[1] ?? 0) - (triedAtMs[0] ?? 0)).toBeGreaterThanOrEqual(30_000)
  await withTime(clock, run.stop())
})

test('what is asked for is bounded', () => {
  const asks = (retryAfterMs: number): number =>
    askedPauseMs(new MillraceError('sink-failed', 'later', { retryAfterMs }))
  expect([asks(5), asks(1e12), asks(-5)]).toEqual([5, 3_600_000, 0])
  expect(askedPauseMs(new Error('later'))).toBe(0)
})

/** When a record was tried that fails once. */
async function tries(code: ErrorCode, retryAfterMs: number | undefined): Promise<number[]> {
  const clock = new VirtualClock(1_700_000_000_000)
  const log = openMemoryLog({ clock })
  await createOutbox(log)
  const triedAtMs: number[] = []
  const sink = action('s', () => {
    triedAtMs.push(clock.now())
    if (triedAtMs.length > 1) return
    throw new MillraceError(code, 'later', retryAfterMs === undefined ? {} : { retryAfterMs })
  })
  const run = await deliverOutbox(log, sink, { clock })
  await fill(log, [{ key: 'a', value: 0 }])
  await until(clock, () => triedAtMs.length === 2, { stepMs: 50, what: 'another try' })
  await withTime(clock, run.stop())
  return triedAtMs
}
