/**
 * `groupBy` + `aggregate` of a table: what the rows of each group add up to. A change takes the old
 * row back and adds the new one, in one step; a group without rows has no result any more.
 *
 * Store: `<step>`: group → [number of rows, an accumulator for each field].
 */
import { assert } from '../../core/assert.ts'
import type { Key } from '../../core/key.ts'
import type { AnyAggregator } from '../../pipeline/aggregator.ts'
import { retractingOf } from '../../pipeline/table-check.ts'
import type { FieldsOfRow, TableFoldSpec } from '../../pipeline/table-spec.ts'
import { absent } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import type { Operator, Push, StepContext } from './operator.ts'
import type { TableChange } from './table-change.ts'

interface Group {
  readonly rows: number
  readonly kept: readonly unknown[]
}

export function tableFoldOperator(
  { fields }: TableFoldSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step, wantsBefore } = context
  const aggregators = fields.map(({ name, aggregator }) => {
    const retracting = retractingOf(aggregator)
    assert(retracting !== null, () => `field ${name} of ${step} cannot retract`)
    return retracting
  })
  const store = context.store({
    toState: (group) => [(group as Group).rows, ...convert(aggregators, group as Group)],
    fromState: (state) => groupOf(aggregators, state as readonly [number, ...unknown[]]),
  })
  const resultOf = (key: Key, { kept }: Group): unknown => {
    const row: Record<string, unknown> = { key }
    for (let i = 0; i < fields.length; i++) {
      const { name } = fields[i] as TableFoldSpec['fields'][number]
      row[name] = (aggregators[i] as AnyAggregator).result(kept[i])
    }
    return row
  }
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const keys = store.namespace(0)
    const entry = store.find(keys, key)
    const isNew = entry === undefined || entry.value === absent
    const old = isNew ? null : (entry.value as Group)
    const before = wantsBefore && old !== null ? resultOf(key, old) : null
    const now = changed(aggregators, old, value as TableChange)
    if (now === null) {
      if (entry !== undefined) store.write(entry, absent)
      if (old !== null) emit({ before, after: null }, key, time)
      return
    }
    if (entry === undefined) store.make(keys, key, now)
    else store.write(entry, now)
    emit({ before, after: resultOf(key, now) }, key, time)
  }
  return { push, second: null, stateful: null, asynchronous: null }
}

/**
 * @param group null: it has no row, whatever the change says of before (the row was there before
 * this step was)
 * @returns null: the group has no row any more
 */
function changed(
  aggregators: readonly AnyAggregator[],
  group: Group | null,
  change: TableChange,
): Group | null {
  const before = change.before as FieldsOfRow | null
  const after = change.after as FieldsOfRow | null
  const others = group === null ? 0 : group.rows - (before === null ? 0 : 1)
  const rows = others + (after === null ? 0 : 1)
  if (rows === 0) return null
  const kept = aggregators.map((aggregator, i) => {
    const { retract } = aggregator
    // Where none of the others is left, the group begins anew.
    let accumulator = others === 0 ? aggregator.init() : group?.kept[i]
    if (others > 0 && before !== null && retract !== null) {
      accumulator = retract(accumulator, before[i])
    }
    return after === null ? accumulator : aggregator.add(accumulator, after[i])
  })
  return { rows, kept }
}

function convert(aggregators: readonly AnyAggregator[], { kept }: Group): unknown[] {
  return kept.map((accumulator, i) => {
    const { state } = aggregators[i] as AnyAggregator
    return state === null ? accumulator : state.toState(accumulator)
  })
}

function groupOf(
  aggregators: readonly AnyAggregator[],
  [rows, ...states]: readonly [number, ...unknown[]],
): Group {
  const kept = states.map((given, i) => {
    const { state } = aggregators[i] as AnyAggregator
    return state === null ? given : state.fromState(given)
  })
  return { rows, kept }
}
