/** The names of options of sources and sinks. */
import { MillraceError } from '../core/error.ts'

/**
 * For JavaScript: a mistyped option would else be ignored in silence.
 * @param who as the error names it: `sink 'warn'`
 * @throws `invalid-argument`
 */
export function checkOptionNames(who: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    throw new MillraceError('invalid-argument', `${who} has no option '${option}'`, {
      hint: `its options are ${known.join(', ')}`,
    })
  }
}
