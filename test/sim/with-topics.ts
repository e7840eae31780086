/** A pipeline with other settings of its topics: nodes are data, so they can be made anew. */
import type { Pipeline } from '../../src/index.ts'
import type { Node, SinkNode, TopicSpec } from '../../src/pipeline/node.ts'

export type ChangeTopic = (spec: TopicSpec, use: 'read' | 'written') => TopicSpec

/** Nodes are told apart by identity: each is made anew once, and one topic's settings too. */
export function withTopics(given: Pipeline, change: ChangeTopic): Pipeline {
  const made = new Map<Node, Node>()
  const specs = new Map<TopicSpec, TopicSpec>()
  const specOf = (spec: TopicSpec, use: 'read' | 'written'): TopicSpec => {
    const there = specs.get(spec) ?? change(spec, use)
    specs.set(spec, there)
    return there
  }
  const remade = <N extends Node>(node: N): N => {
    const there = made.get(node) ?? anew(node)
    made.set(node, there)
    return there as N
  }
  const anew = (node: Node): Node => {
    switch (node.kind) {
      case 'source':
        return { ...node, topic: specOf(node.topic, 'read') }
      case 'to':
        return { ...node, input: remade(node.input), topic: specOf(node.topic, 'written') }
      case 'merge':
        return { ...node, inputs: node.inputs.map(remade) }
      case 'step':
        return { ...node, inputs: node.inputs.map(remade) }
      default:
        return { ...node, input: remade(node.input) } as Node
    }
  }
  return { ...given, sinks: given.sinks.map((sink): SinkNode => remade(sink)) }
}
