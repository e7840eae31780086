/**
 * `groupBy` + `topN` of a table: the first n rows of each group, right also when a row gets worse
 * or goes: all rows are kept, in order. Of rows that are ordered alike, the one with the smaller
 * key comes first. A change comes when one of the first n rows has changed.
 *
 * Stores: `<step>`: [group, row key] → what the row is ordered by, and the row; `<step>/order`:
 * group → the rows in order, a tree that never changes. The order is made anew of the rows after a
 * restart: the changelog holds nothing but its group.
 */
import { compareKeys, keyOfState, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { isLess } from '../../pipeline/aggregators/extreme.ts'
import { itemsOf, put, remove } from '../../pipeline/aggregators/ordered-tree.ts'
import type { Compare, Tree } from '../../pipeline/aggregators/ordered-tree.ts'
import type { RankedRow, TableTopNSpec, TopOrder } from '../../pipeline/table-spec.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { missingKey } from './missing-key.ts'
import { noTimers } from './no-timers.ts'
import type { Operator, Push, Stateful, StepContext } from './operator.ts'
import { same } from './table-change.ts'
import type { TableChange } from './table-change.ts'

type Held = readonly [group: Key, row: RankedRow]

export function tableTopNOperator(
  { n, order }: TableTopNSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const { task, step } = context
  const rows = context.store({ toState: same, fromState: same })
  const orders = context.store({ part: 'order', toState: () => null, fromState: same })
  const compare = comparison(order)
  const push = (value: unknown, group: Key | null, time: number): void => {
    task.running = step
    if (group === null) throw missingKey(step)
    const { before, after } = value as TableChange
    const old = orderOf(orders, group)
    let now = old
    if (after !== null) now = withRow(rows, now, group, after as RankedRow, compare)
    else if (before !== null) now = without(rows, now, group, before as RankedRow, compare)
    if (now === old) return
    if (now === null) orders.delete(group)
    else orders.set(group, now)
    const [was, is] = [itemsOf(old, n), itemsOf(now, n)]
    if (was.length === is.length && was.every((row, i) => row === is[i])) return
    emit({ before: topOf(group, was), after: topOf(group, is) }, group, time)
  }
  return { push, second: null, stateful: keptOrder(rows, orders, compare), asynchronous: null }
}

function topOf(key: Key, rows: readonly RankedRow[]): unknown {
  return rows.length === 0 ? null : { key, top: rows.map(([, , row]) => row) }
}

function comparison(order: TopOrder): Compare<RankedRow> {
  return ([keyA, a], [keyB, b]) => {
    if (isLess(a, b)) return order === 'asc' ? -1 : 1
    if (isLess(b, a)) return order === 'asc' ? 1 : -1
    return compareKeys(keyA, keyB)
  }
}

function orderOf(orders: Store, group: Key): Tree<RankedRow> {
  return (orders.get(group) ?? null) as Tree<RankedRow>
}

/** What the step holds of the row counts: one that the group never had is not taken out. */
function without(
  rows: Store,
  tree: Tree<RankedRow>,
  group: Key,
  [key]: RankedRow,
  compare: Compare<RankedRow>,
): Tree<RankedRow> {
  const held = rows.get(key) as Held | undefined
  if (held === undefined || stateKey(held[0]) !== stateKey(group)) return tree
  rows.delete(key)
  return remove(tree, held[1], compare)
}

function withRow(
  rows: Store,
  tree: Tree<RankedRow>,
  group: Key,
  row: RankedRow,
  compare: Compare<RankedRow>,
): Tree<RankedRow> {
  const held = rows.get(row[0]) as Held | undefined
  // At the same place it takes the place of what is there.
  const stays = held !== undefined && compare(held[1], row) === 0
  const rest = stays ? tree : without(rows, tree, group, row, compare)
  rows.set(row[0], [group, row] satisfies Held)
  return put(rest, row, compare)
}

function keptOrder(rows: Store, orders: Store, compare: Compare<RankedRow>): Stateful {
  const restore = (): void => {
    const trees = new Map<string | number, Tree<RankedRow>>()
    for (const { value } of rows.namespaces.get(0)?.entries.values() ?? []) {
      if (value === absent) continue
      const [key, row] = value as Held
      const group = stateKey(key)
      trees.set(group, put(trees.get(group) ?? null, row, compare))
    }
    for (const [group, tree] of trees) orders.restore(0, keyOfState(group), tree)
  }
  return { ...noTimers, onRestored: restore }
}
