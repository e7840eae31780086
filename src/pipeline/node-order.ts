/** The nodes behind a plan's sinks, each once, sources first, every node behind its inputs. */
import { MillraceError } from '../core/error.ts'
import { inputsOf } from './node.ts'
import type { Node, SinkNode, SourceNode } from './node.ts'
import { checkSameTopic } from './topic-check.ts'

/** A node and those it reads from, sources of one topic being one. */
export interface OrderedNode {
  readonly node: Node
  readonly inputs: readonly OrderedNode[]
}

/**
 * The order follows the sinks as they are given, and each node's inputs as they are declared: a
 * sink added at the end changes the place of nothing before it.
 * @throws `invalid-plan` for a cycle, a topic read with different settings or under two names
 */
export function orderNodes(sinks: readonly SinkNode[]): OrderedNode[] {
  const sources = new Map<string, OrderedNode>()
  const done = new Map<Node, OrderedNode>()
  const path: Node[] = []
  const others: OrderedNode[] = []

  const visit = (node: Node): OrderedNode => {
    const before = done.get(node)
    if (before !== undefined) return before
    const at = path.indexOf(node)
    if (at >= 0) throw cycle(path.slice(at))
    path.push(node)
    const inputs = inputsOf(node).map(visit)
    path.pop()
    const ordered = node.kind === 'source' ? sourceOf(node, sources) : { node, inputs }
    done.set(node, ordered)
    if (node.kind !== 'source') others.push(ordered)
    return ordered
  }

  for (const sink of sinks) visit(sink)
  return [...sources.values(), ...others]
}

/** `from` may be called several times for one topic; it is read once. */
function sourceOf(node: SourceNode, sources: Map<string, OrderedNode>): OrderedNode {
  const { topic, named } = node
  const known = node.scope === 'global' ? `global ${topic.name}` : topic.name
  const before = sources.get(known)
  if (before === undefined || before.node.kind !== 'source') {
    const first = { node, inputs: [] }
    sources.set(known, first)
    return first
  }
  checkSameTopic(before.node.topic, topic, `from(topic('${topic.name}'))`)
  if (before.node.named === named) return before
  const names = [before.node.named, named].map((name) => (name === null ? 'no name' : `'${name}'`))
  throw new MillraceError(
    'invalid-plan',
    `the source '${topic.name}' is used under ${names.join(' and ')}`,
    { at: { topic: topic.name }, hint: 'name it once, and use that stream everywhere' },
  )
}

function cycle(nodes: readonly Node[]): MillraceError {
  const steps = [...nodes, ...nodes.slice(0, 1)].map((node) => node.named ?? node.kind)
  return new MillraceError('invalid-plan', `a step reads its own output: ${steps.join(' < ')}`, {
    ...(nodes[0]?.named ? { at: { step: nodes[0].named } } : {}),
    hint: 'a plan has no cycle: write to a topic, and read that in another pipeline',
  })
}
