/** Trying again what may pass by itself: with pauses that grow, for a limited time. */
import type { Clock } from '../../../core/clock.ts'
import { isCode } from '../../../core/error.ts'
import { errorCode } from './error-codes.ts'

/** Codes of answers that say: not now, or not here. */
const transientCodes: ReadonlySet<number> = new Set([
  errorCode.unknownTopicOrPartition,
  errorCode.leaderNotAvailable,
  errorCode.notLeaderOrFollower,
  errorCode.requestTimedOut,
  errorCode.brokerNotAvailable,
  errorCode.replicaNotAvailable,
  errorCode.networkException,
  errorCode.coordinatorLoadInProgress,
  errorCode.coordinatorNotAvailable,
  errorCode.notCoordinator,
  errorCode.notEnoughReplicas,
  errorCode.notEnoughReplicasAfterAppend,
  errorCode.notController,
  errorCode.kafkaStorageError,
  errorCode.fencedLeaderEpoch,
  errorCode.unknownLeaderEpoch,
  errorCode.offsetNotAvailable,
  errorCode.unknownTopicId,
  errorCode.inconsistentTopicId,
  errorCode.unstableOffsetCommit,
  errorCode.concurrentTransactions,
  errorCode.throttlingQuotaExceeded,
])

export function isTransient(code: number): boolean {
  return transientCodes.has(code)
}

export interface RetryOptions {
  readonly clock: Clock
  /** After this, ms, the last failure is thrown. */
  readonly limitMs: number
  /** First pause, ms; doubles up to `pauseMsMax`. */
  readonly pauseMs?: number
  readonly pauseMsMax?: number
}

/** Thrown by the work to be called again; carries what to throw when time is over. */
export class TryAgain {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

/**
 * Calls `work` until it gives a result or throws something else than `TryAgain` or
 * `log-unreachable`.
 */
export async function retrying<R>(work: () => Promise<R>, options: RetryOptions): Promise<R> {
  const { clock, limitMs, pauseMsMax = 1_000 } = options
  const endMs = clock.monotonic() + limitMs
  for (let pauseMs = options.pauseMs ?? 20; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    try {
      return await work()
    } catch (thrown) {
      const isAgain = thrown instanceof TryAgain
      const error: unknown = isAgain ? thrown.error : thrown
      if (!isAgain && !isCode(thrown, 'log-unreachable')) throw thrown
      if (clock.monotonic() + pauseMs >= endMs) throw error
    }
    await pause(clock, pauseMs)
  }
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}
