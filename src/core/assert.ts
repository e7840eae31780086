/** Invariant checks that stay on in production: O(1), lazy text, always with the values. */
import { MillraceError } from './error.ts'

/**
 * Throws `assertion-failed` where `condition` is false. A failed assertion discards the task's
 * memory and restores.
 * @param text called only on failure; must name the values.
 */
export function assert(condition: boolean, text: () => string): asserts condition {
  if (!condition)
    throw new MillraceError('assertion-failed', text(), {
      hint: 'this is a fault in Millrace; please report it with this text',
    })
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new MillraceError(
    'assertion-failed',
    `unreachable branch reached with ${JSON.stringify(value)}`,
  )
}
