/**
 * Pauses between tries: twice as long each time, the upper half of it by chance, so that many who
 * failed together do not come back together.
 */
import { MillraceError } from '../../core/error.ts'
import type { Random } from '../../core/random.ts'

/** What a destination asks for beyond that is not heeded. */
const retryAfterMsMax = 3_600_000

/**
 * @param failures before this one
 * @returns ms, from half of `firstMs × 2^failures` up to it; at most `mostMs`
 */
export function backoffMs(
  failures: number,
  options: { readonly random: Random; readonly firstMs: number; readonly mostMs: number },
): number {
  const { random, firstMs, mostMs } = options
  const wholeMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 40))
  return wholeMs / 2 + (random.next() * wholeMs) / 2
}

/** How long the destination wants to be left alone, ms; 0 where it has not said so. */
export function askedPauseMs(thrown: unknown): number {
  const askedMs = thrown instanceof MillraceError ? (thrown.retryAfterMs ?? 0) : 0
  return Math.min(Math.max(0, askedMs), retryAfterMsMax)
}
