/** Tables that cannot work, refused with the plan by the step's name. */
import { MillraceError } from '../core/error.ts'
import type { AnyAggregator } from './aggregator.ts'
import type { StepSpec } from './step-spec.ts'

/** The aggregator that can take rows back again; null: there is none. */
export function retractingOf(aggregator: AnyAggregator): AnyAggregator | null {
  return aggregator.retract === null ? aggregator.retracting : aggregator
}

/** @throws `invalid-plan` naming the step */
export function checkTableSpec(step: string, spec: StepSpec): void {
  if (spec.kind !== 'table-fold') return
  const fields = new Set<string>()
  if (spec.fields.length === 0) {
    const hint = 'give at least one: .aggregate({ rows: count() })'
    throw new MillraceError('invalid-plan', 'aggregate has no fields', { at: { step }, hint })
  }
  for (const { name, aggregator } of spec.fields) {
    if (name === 'key' || name === 'window' || fields.has(name)) {
      throw new MillraceError('invalid-plan', `aggregate cannot have a field '${name}'`, {
        at: { step },
        hint: 'every result has key and window by itself: call this field something else',
      })
    }
    fields.add(name)
    if (retractingOf(aggregator) !== null) continue
    throw new MillraceError(
      'invalid-plan',
      `rows leave their group again, which ${aggregator.kind} (field '${name}') cannot follow`,
      {
        at: { step },
        hint: 'use an aggregator that takes values back (count, sum, mean, min, max, collect …)',
      },
    )
  }
}
