/** Makes a pipeline of one output. */
import type { Pipeline, SinkNode } from './node.ts'

export function sink(node: SinkNode): Pipeline {
  return { kind: 'pipeline', name: null, sinks: [node] }
}
