/**
 * What an error of the database says of the record and of the database, by its SQLSTATE:
 * https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
import { messageOf, MillraceError } from '../../core/error.ts'

/** Data that a column cannot have, or that breaks a constraint: trying again would not help. */
const refusedClasses = new Set(['22', '23'])
/**
 * Anything that is mended elsewhere: no connection (08), a transaction that was chosen to give way
 * (40), a table that is not there or may not be written (42, 3D, 3F, 28), no room (53), locks and
 * shut-downs (55, 57, 58).
 */
const unavailableClasses = new Set([
  '08',
  '25',
  '28',
  '3D',
  '3F',
  '40',
  '42',
  '53',
  '55',
  '57',
  '58',
])

/** Codes of the database that are said in an error; longer texts are cut. */
const textMax = 500

/** @param what was tried: one clause, without anything secret */
export function asDatabaseError(thrown: unknown, what: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  const state = sqlStateOf(thrown)
  const text = `${what}: ${messageOf(thrown).slice(0, textMax)}`
  if (state === null) {
    // No answer of the server: the connection was lost, or none came about.
    return new MillraceError('sink-unavailable', text, { cause: thrown })
  }
  const said = `${text} (${state})`
  const group = state.slice(0, 2)
  if (refusedClasses.has(group)) return new MillraceError('sink-refused', said, { cause: thrown })
  const code = unavailableClasses.has(group) ? 'sink-unavailable' : 'sink-failed'
  return new MillraceError(code, said, { cause: thrown })
}

export function sqlStateOf(thrown: unknown): string | null {
  const { code } = (thrown ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)
    ? code
    : null
}
