/** Waiting that ends at once when a signal fires: what S3 asks of a source that waits. */
import type { Clock } from '../core/clock.ts'

/** Resolves after `delayMs` or when the signal fires, whichever is first; never rejects. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(delayMs, end)
    signal.addEventListener('abort', end)
  })
}
