/** Checks of options that sources share. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'

/** @throws `invalid-argument` · `invalid-duration` */
export function atLeastMs(
  who: string,
  option: string,
  given: { readonly value: Duration; readonly leastMs: number },
): number {
  const ms = durationMs(given.value, option)
  if (ms >= given.leastMs) return ms
  const text = `${option} of ${who} cannot be '${given.value}'`
  throw new MillraceError('invalid-argument', text, { hint: `use at least '${given.leastMs}ms'` })
}

/** @throws `invalid-argument` */
export function checkPath(what: string, path: unknown): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return
  throw new MillraceError('invalid-argument', `${what} needs a path`, {
    hint: "give it as a text: 'data/readings.ndjson'",
  })
}

/** The name that a source has of its path. */
export function nameOfPath(path: string): string {
  const name = path.split(/[/\\]/).findLast((part) => part !== '') ?? ''
  return name.replaceAll(/[^a-zA-Z0-9._-]/g, '-').slice(0, 200)
}
