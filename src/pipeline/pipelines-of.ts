/**
 * What a user handed over to be run or planned: from JavaScript or a file's default export it may
 * be anything.
 */
import { MillraceError } from '../core/error.ts'
import type { Node, Pipeline } from './node.ts'

/**
 * @returns the pipelines, each once
 * @throws `invalid-plan` where one is no pipeline, for instance a stream whose output is missing
 */
export function pipelinesOf(given: Pipeline | readonly Pipeline[]): readonly Pipeline[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  const pipelines = new Set<Pipeline>()
  for (const each of list) pipelines.add(asPipeline(each))
  if (pipelines.size > 0) return [...pipelines]
  throw new MillraceError('invalid-plan', 'there is no pipeline', {
    hint: 'end a stream with .to(topic), .print() or .forEach(fn)',
  })
}

interface Given {
  readonly kind?: unknown
  readonly sinks?: unknown
  readonly node?: Node
  readonly then?: unknown
}

function asPipeline(given: unknown): Pipeline {
  const value: Given = typeof given === 'object' && given !== null ? given : {}
  if (value.kind === 'pipeline' && Array.isArray(value.sinks)) {
    const pipeline = given as Pipeline
    if (pipeline.sinks.length > 0 || pipeline.feeds?.length > 0) return pipeline
    throw new MillraceError('invalid-plan', `pipeline '${pipeline.name ?? ''}' has no output`, {
      hint: 'end a stream with .to(topic), .print() or .forEach(fn)',
    })
  }
  if (value.kind === 'stream' && value.node !== undefined) {
    const last = stepText(value.node)
    throw new MillraceError('invalid-plan', `the stream that ends with ${last} has no output`, {
      hint: 'nothing would receive its records: add .to(topic), .print() or .forEach(fn)',
    })
  }
  if (value.kind === 'table' && value.node !== undefined) {
    const last = stepText(value.node)
    throw new MillraceError('invalid-plan', `the table that ends with ${last} has no output`, {
      hint: 'nothing would receive its rows: add .to(topic), .print() or .forEach(fn)',
    })
  }
  if (value.kind === 'windowed-stream' && value.node !== undefined) {
    const last = stepText(value.node)
    throw new MillraceError('invalid-plan', `the window behind ${last} has no result`, {
      hint: 'add .aggregate({ … }) or .reduce(fn), then an output: .to(topic), .print()',
    })
  }
  const kind = typeof value.then === 'function' ? 'a promise' : kindOf(given)
  throw new MillraceError('invalid-plan', `${kind} is not a pipeline`, {
    hint: 'give what .to(topic), .print(), .forEach(fn) or pipeline(name, …) return',
  })
}

function kindOf(given: unknown): string {
  if (given === null || given === undefined) return String(given)
  if ((given as Given).kind === 'topic') return 'a topic'
  return typeof given === 'object' ? 'an object' : `a ${typeof given}`
}

/** A step as the user wrote it, before it has a name in a plan. */
function stepText(node: Node): string {
  if (node.named !== null) return `step '${node.named}'`
  if (node.kind === 'source') return `from(topic('${node.topic.name}'))`
  if (node.kind === 'branch-output') return `branch '${node.output}'`
  if (node.kind === 'step') return node.traits.method
  return `.${node.kind}()`
}
