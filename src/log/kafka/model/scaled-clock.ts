/**
 * The machine's time, but faster: what takes 10 s takes one. For tests that wait for real. What is
 * due within a millisecond runs in the next turn.
 */
import { systemClock, type Clock } from '../../../core/clock.ts'

export function scaledClock(times: number): Clock {
  return {
    now: () => systemClock.now() * times,
    monotonic: () => systemClock.monotonic() * times,
    after: (delayMs, run) => {
      if (delayMs >= times) return systemClock.after(delayMs / times, run)
      let isOff = false
      void systemClock.nextTurn().then(() => {
        if (!isOff) run()
      })
      return () => (isOff = true)
    },
    nextTurn: () => systemClock.nextTurn(),
  }
}
