/**
 * Makes the nodes of a join of tables by a foreign key. Five steps, so that a plan can send rows to
 * the task of their foreign key and answers back: left → ask → right → answer → join.
 */
import type { Key } from '../core/key.ts'
import { checked, refuse } from './checked.ts'
import type { Node, StepNode } from './node.ts'
import { sameKeyNode, stepNode } from './step-node.ts'

const method = '.join()'

export interface ForeignKeyJoin {
  readonly left: Node
  readonly right: Node
  readonly on: unknown
  readonly type?: unknown
}

/**
 * @param name given by the user; the steps with state before the last have names made of it
 * @throws `invalid-argument`
 */
export function foreignKeyNode(join: ForeignKeyJoin, name: string | null = null): StepNode {
  const { type = 'inner' } = join
  if (type !== 'inner' && type !== 'left') {
    throw refuse("join on a foreign key takes type 'inner' or 'left'", type)
  }
  const on = checked<Key | null>(join.on, 'on')
  const named = (node: StepNode, part: string): StepNode =>
    name === null ? node : { ...node, named: `${name}.${part}` }
  const left = named(
    stepNode(
      [join.left],
      { kind: 'foreign-key-left', on },
      { method, label: 'join-on', groups: true, state: 'a number' },
    ),
    'left',
  )
  const ask = named(
    stepNode([left], { kind: 'foreign-key-ask' }, { method, label: 'ask', rekeys: true }),
    'ask',
  )
  const sides = [sameKeyNode(ask, 'left', method), sameKeyNode(join.right, 'right', method)]
  const right = named(
    stepNode(
      sides,
      { kind: 'foreign-key-right' },
      {
        method,
        label: 'look-up',
        groups: true,
        looksAt: 'deletions',
        state: 'the rows of the right table, and which left rows ask for them',
      },
    ),
    'look-up',
  )
  const answer = named(
    stepNode([right], { kind: 'foreign-key-answer' }, { method, label: 'answer', rekeys: true }),
    'answer',
  )
  const inputs = [sameKeyNode(left, 'left', method), sameKeyNode(answer, 'right', method)]
  const node = stepNode(
    inputs,
    { kind: 'foreign-key-join', type },
    {
      method,
      label: 'join',
      groups: true,
      looksAt: 'deletions',
      state: 'the rows of the left table, each with its partner',
      settings: { type, on: 'computed from the row' },
    },
  )
  return { ...node, named: name }
}
