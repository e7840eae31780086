/** What users see of what was matched: in conditions, and as a result. */
import type { PartSpec } from '../../pipeline/patterns/match-spec.ts'
import { takenByPart } from './partial-match.ts'
import type { Taken } from './partial-match.ts'

/** Makes what conditions are given as `matched`: reads the parts when asked for one. */
export type ViewOf = (taken: Taken | null) => object

interface View {
  readonly taken: Taken | null
  /** What each part matched, once one was asked for. */
  read: unknown[] | null
}

/**
 * A property for each part that takes events, computed when read: most conditions never look, and
 * a long match is costly to lay out for each event.
 */
export function viewsOf(parts: readonly PartSpec[]): ViewOf {
  const hidden = Symbol('matched')
  type Shown = { [hidden]: View }
  const prototype: object = Object.create(null) as object
  for (const [i, part] of parts.entries()) {
    if (part.kind === 'none') continue
    Object.defineProperty(prototype, part.name, {
      enumerable: true,
      get(this: Shown): unknown {
        const view = this[hidden]
        view.read ??= valuesOf(parts, view.taken)
        return view.read[i]
      },
    })
  }
  return (taken) => {
    const shown = Object.create(prototype) as Shown
    shown[hidden] = { taken, read: null }
    return shown
  }
}

/** The `match` of a result: every part that takes events. */
export function matchOf(parts: readonly PartSpec[], taken: Taken): Record<string, unknown> {
  return named(parts, valuesOf(parts, taken), parts.length - 1)
}

/** The `partial` of one that was timed out: the parts up to the last one reached. */
export function partialOf(parts: readonly PartSpec[], taken: Taken): Record<string, unknown> {
  return named(parts, valuesOf(parts, taken), taken.part)
}

function valuesOf(parts: readonly PartSpec[], taken: Taken | null): unknown[] {
  const byPart = takenByPart(parts, taken)
  return parts.map(({ kind }, i) => {
    const values = (byPart[i] ?? []).map(({ value }) => value)
    if (kind === 'some') return values
    return values.length === 0 ? null : values[0]
  })
}

function named(
  parts: readonly PartSpec[],
  values: readonly unknown[],
  last: number,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [i, { name, kind }] of parts.entries()) {
    if (kind !== 'none' && i <= last) result[name] = values[i]
  }
  return result
}
