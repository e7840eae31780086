/**
 * A record without key reached a step that needs one: a topic may hold some, whatever its
 * declaration says.
 */
import { MillraceError } from '../../core/error.ts'

export function missingKey(step: string): MillraceError {
  return new MillraceError('step-failed', 'the record has no key', {
    at: { step },
    hint: 'give the topic a key function, or set the key with keyBy before this step',
  })
}
