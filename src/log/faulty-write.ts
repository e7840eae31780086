/** One write that meets a fault: what happens of it, and what its caller is told. */
import type { Clock } from '../core/clock.ts'
import { type ErrorCode, MillraceError } from '../core/error.ts'

/**
 * `fails`: not applied, and the error says so. `unknown`: `commit-unknown`, applied or not.
 * `late`: applied at once or only after the delay; the answer comes after it. `fenced`: another
 * has taken the task, so nothing is applied; commits only.
 */
export type Fault =
  | { readonly kind: 'fails'; readonly code: 'log-failed' | 'log-busy' | 'disk-full' }
  | { readonly kind: 'unknown'; readonly effect: 'applied' | 'not-applied' }
  | { readonly kind: 'late'; readonly applies: 'at-once' | 'after-delay'; readonly delayMs: number }
  | { readonly kind: 'fenced' }

interface Meeting<T> {
  readonly fault: Fault | null
  readonly clock: Clock
  readonly write: () => Promise<T>
}

/** Does the write as the fault says. `fenced` is for the session to arrange. */
export async function meet<T>({ fault, clock, write }: Meeting<T>): Promise<T> {
  if (fault === null || fault.kind === 'fenced') return await write()
  if (fault.kind === 'fails') throw failure(fault.code, 'it was made to fail')
  if (fault.kind === 'unknown') {
    // An error of the write itself is known, so it is reported as it is.
    if (fault.effect === 'applied') await write()
    throw failure('commit-unknown', 'its answer was lost on purpose')
  }
  const delay = new Promise<void>((resolve) => void clock.after(fault.delayMs, resolve))
  if (fault.applies === 'after-delay') {
    await delay
    return await write()
  }
  const [outcome] = await Promise.allSettled([write(), delay])
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

function failure(code: ErrorCode, why: string): MillraceError {
  const isUnknown = code === 'commit-unknown'
  return new MillraceError(code, `the write failed: ${why}`, {
    outcome: isUnknown ? 'unknown' : 'not-applied',
    hint: isUnknown ? 'reopen and read the offsets back' : 'try again',
  })
}
