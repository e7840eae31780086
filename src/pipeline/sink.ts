/** Makes a pipeline of one output. */
import { specOf } from './checked.ts'
import type { Node, Pipeline, SinkNode } from './node.ts'
import { asSink, outboxSpec } from './sink-spec.ts'
import type { SinkSpec } from './sink-spec.ts'
import type { TopicSpec } from './topic-spec.ts'

export function sink(node: SinkNode): Pipeline {
  return { kind: 'pipeline', name: null, sinks: [node], feeds: [] }
}

/**
 * The output of `.to()`: a topic, or what a sink is fed from.
 * @throws `invalid-argument` for what is neither
 */
export function outputTo(
  target: { readonly spec: TopicSpec } | SinkSpec,
  { input, isTable }: { readonly input: Node; readonly isTable: boolean },
): Pipeline {
  const node = { kind: 'to', input, isTable, named: null } as const
  if ((target as { readonly kind?: unknown } | null)?.kind !== 'sink')
    return sink({
      ...node,
      topic: specOf(target as { readonly spec: TopicSpec }, 'to'),
      sink: null,
    })
  const to = asSink(target as SinkSpec)
  return sink({ ...node, topic: outboxSpec(to, to.name), sink: to })
}
