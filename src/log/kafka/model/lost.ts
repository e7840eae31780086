/** How a connection that was lost shows. */
import { MillraceError } from '../../../core/error.ts'

/** @param outcome `unknown`: the request may have reached the broker */
export function lost(outcome: 'unknown' | 'not-applied'): MillraceError {
  return new MillraceError('log-unreachable', 'the connection was lost', { outcome })
}
