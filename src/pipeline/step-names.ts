/**
 * Names of steps. State belongs to them, so they move as little as possible when a pipeline
 * changes.
 *
 * A step is called as `named` says; a source after its topic; any other after the nearest step
 * before it that decides what its records are (a source, keyBy, merge, branch, or a step with
 * state; of a merge the first), then its kind. A window's size is part of the name, an output topic
 * too: `orders.key-by.aggregate-1m`, `orders.key-by.aggregate-1m.to-totals`. The second of the same
 * name ends with `-2`, in the order of the outputs. So adding, moving or removing a map, a filter
 * or an output renames no state.
 */
import { MillraceError } from '../core/error.ts'
import type { Node } from './node.ts'
import type { OrderedNode } from './node-order.ts'
import type { Step } from './plan.ts'
import { windowLabel } from './window-text.ts'

/** @throws `invalid-plan` for two steps of one name */
export function nameSteps(nodes: readonly OrderedNode[]): Step[] {
  const taken = new Set<string>()
  for (const { node } of nodes) {
    const name = givenName(node)
    if (name === null) continue
    if (taken.has(name)) throw twice(name)
    taken.add(name)
  }
  const names = new Map<OrderedNode, string>()
  const bases = new Map<OrderedNode, string>()
  const known = (map: Map<OrderedNode, string>, node: OrderedNode | undefined): string =>
    (node === undefined ? undefined : map.get(node)) ?? ''
  for (const ordered of nodes) {
    const base = known(bases, ordered.inputs[0])
    const name = givenName(ordered.node) ?? unused(derivedName(ordered.node, base), taken)
    taken.add(name)
    names.set(ordered, name)
    bases.set(ordered, isBase(ordered.node) ? name : base)
  }
  return nodes.map((ordered) => ({
    name: known(names, ordered),
    node: ordered.node,
    inputs: ordered.inputs.map((input) => known(names, input)),
  }))
}

function givenName(node: Node): string | null {
  if (node.kind !== 'source') return node.named
  return node.named ?? (node.scope === 'global' ? `${node.topic.name}.global` : node.topic.name)
}

function derivedName(node: Node, base: string): string {
  switch (node.kind) {
    case 'branch-output':
    case 'output':
      return `${base}.${node.output}`
    case 'aggregate':
    case 'reduce':
      return node.window === null
        ? `${base}.${node.kind}`
        : `${base}.${node.kind}-${windowLabel(node.window)}`
    case 'step':
      return `${base}.${node.traits.label}`
    case 'to':
      return `${base}.to-${node.topic.name}`
    default:
      return `${base}.${kindText(node.kind)}`
  }
}

/** As it stands in names: `key-by`. */
export function kindText(kind: Node['kind']): string {
  return kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function isBase(node: Node): boolean {
  const { kind, named } = node
  if (named !== null) return true
  if (kind === 'step') return node.traits.state !== null || node.traits.rekeys
  return kind !== 'map' && kind !== 'filter' && kind !== 'flatMap'
}

function unused(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  let n = 2
  while (taken.has(`${name}-${n}`)) n++
  return `${name}-${n}`
}

function twice(name: string): MillraceError {
  return new MillraceError('invalid-plan', `two steps are named '${name}'`, {
    at: { step: name },
    hint: 'give each step a name of its own with .named(…); a source has the name of its topic',
  })
}
