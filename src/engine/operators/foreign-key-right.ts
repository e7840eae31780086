/**
 * A join of tables by a foreign key, the right table's side: holds the right rows and who asks for
 * each, and answers questions at once, and changes of a row to all who ask for it, in order of
 * their keys. The whole is described in `foreign-key-left.ts`.
 *
 * Stores: `<step>`: right row of each key; `<step>/questions`: key of the left row → [foreign key,
 * number]; `<step>/askers`: foreign key → keys of left rows in order, a tree that never changes,
 * made anew of the questions after a restart.
 */
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { itemsOf, put, remove } from '../../pipeline/aggregators/ordered-tree.ts'
import type { Tree } from '../../pipeline/aggregators/ordered-tree.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import type { Answer, Question } from './foreign-key-left.ts'
import { missingKey } from './missing-key.ts'
import { noTimers } from './no-timers.ts'
import type { Operator, Push, Stateful, StepContext } from './operator.ts'
import { same } from './table-change.ts'
import type { TableChange } from './table-change.ts'

type Asked = readonly [foreignKey: Key, number: number]

/** The first input gives questions, the second changes of the right table. */
export function foreignKeyRightOperator(context: StepContext, emit: Push): Operator {
  const { task, step } = context
  const rows = context.store({ toState: same, fromState: same })
  const questions = context.store({ part: 'questions', toState: same, fromState: same })
  const askers = context.store({ part: 'askers', toState: () => null, fromState: same })
  const push = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    const { row, number, asks } = value as Question
    const foreignKey = key as Key // of questions that is what they are sent by
    const tree = treeOf(askers, foreignKey)
    if (asks) {
      questions.set(row, [foreignKey, number] satisfies Asked)
      askers.set(foreignKey, put(tree, row, compareKeys))
      const right = rows.get(foreignKey) ?? null
      emit({ row, number, kind: 'row', right } satisfies Answer, key, time)
      return
    }
    const asked = questions.get(row) as Asked | undefined
    if (asked !== undefined && stateKey(asked[0]) === stateKey(foreignKey)) {
      questions.delete(row)
      const rest = remove(tree, row, compareKeys)
      if (rest === null) askers.delete(foreignKey)
      else askers.set(foreignKey, rest)
    }
    emit({ row, number, kind: 'last', right: null } satisfies Answer, key, time)
  }
  const second = (value: unknown, key: Key | null, time: number): void => {
    task.running = step
    if (key === null) throw missingKey(step)
    const { after: right } = value as TableChange
    if (right === null) rows.delete(key)
    else rows.set(key, right)
    for (const row of itemsOf(treeOf(askers, key))) {
      const [, number] = questions.get(row) as Asked
      emit({ row, number, kind: 'row', right } satisfies Answer, key, time)
    }
  }
  return { push, second, stateful: keptAskers(questions, askers), asynchronous: null }
}

function treeOf(askers: Store, foreignKey: Key): Tree<Key> {
  return (askers.get(foreignKey) ?? null) as Tree<Key>
}

function keptAskers(questions: Store, askers: Store): Stateful {
  const onRestored = (): void => {
    const trees = new Map<string | number, { readonly key: Key; tree: Tree<Key> }>()
    for (const { key, value } of questions.namespaces.get(0)?.entries.values() ?? []) {
      if (value === absent) continue
      const [foreignKey] = value as Asked
      const known = trees.get(stateKey(foreignKey))
      const tree = put(known?.tree ?? null, key, compareKeys)
      if (known === undefined) trees.set(stateKey(foreignKey), { key: foreignKey, tree })
      else known.tree = tree
    }
    for (const { key, tree } of trees.values()) askers.restore(0, key, tree)
  }
  return { ...noTimers, onRestored }
}
