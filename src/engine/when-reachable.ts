/**
 * Waiting for what a run needs and is away, the log or a schema registry: it comes back, however
 * long that takes.
 */
import type { Clock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'

const waitMsMin = 250
const waitMsMax = 5_000

export interface WaitOptions {
  readonly clock: Clock
  /** Ends the waiting: then the error is thrown. */
  readonly signal: AbortSignal | null
  /** Told before each pause. */
  readonly onWait: (error: unknown, inMs: number) => void
}

/**
 * Does the work, again and again while it fails with `log-unreachable` or `registry-failed`.
 * @throws any other error
 */
export async function whenReachable<R>(work: () => Promise<R>, options: WaitOptions): Promise<R> {
  const { clock, signal, onWait } = options
  for (let inMs = waitMsMin; ; inMs = Math.min(inMs * 2, waitMsMax)) {
    try {
      return await work()
    } catch (thrown) {
      if (!isAway(thrown) || isAborted(signal)) throw thrown
      onWait(thrown, inMs)
      await pause(clock, inMs, signal)
      if (isAborted(signal)) throw thrown
    }
  }
}

/** Whether it comes back by itself, however long that takes. */
export function isAway(thrown: unknown): boolean {
  return isCode(thrown, 'log-unreachable') || isCode(thrown, 'registry-failed')
}

function isAborted(signal: AbortSignal | null): boolean {
  return signal?.aborted === true
}

function pause(clock: Clock, ms: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal?.addEventListener('abort', end)
  })
}
