/** From pipelines to a plan: finds the steps behind the sinks, checks them, names them, and cuts the plan where keys change partitions. */
import { MillraceError } from '../core/error.ts'
import { cutIntoParts } from './cut-plan.ts'
import { inputsOf } from './node.ts'
import type { Node, Pipeline, TopicSpec } from './node.ts'
import type { Plan, Step } from './plan.ts'

export interface PlanOptions {
  /** The pipeline's name: state and offsets belong to it. */
  readonly name: string
  /** Whether several tasks share the work, so that records change partitions where their key changes. */
  readonly repartition: boolean
}

/**
 * Checks pipelines that run as one and orders their steps. Steps are named as the user did, else by what they stand on: the nearest step
 * before them that is a source, a keyBy, a merge, a branch or holds state, then their kind, and a number from the second on
 * (`orders.aggregate`, `orders.map-2`). So adding a map or a filter renames no state.
 * @throws MillraceError `invalid-plan`, naming the step
 */
export function buildPlan(pipelines: Pipeline | readonly Pipeline[], options: PlanOptions): Plan {
  const list = isList(pipelines) ? pipelines : [pipelines]
  const nodes = orderNodes(list)
  const steps = nameSteps(nodes)
  checkTopics(steps)
  checkKeys(steps)
  if (!options.repartition) return { name: options.name, parts: [{ name: 'main', steps, repartitions: [], reads: [] }] }
  return { name: options.name, parts: cutIntoParts(options.name, steps) }
}

function isList(pipelines: Pipeline | readonly Pipeline[]): pipelines is readonly Pipeline[] {
  return Array.isArray(pipelines)
}

/** Every node behind the sinks once, inputs before those that read them, in the order of the sinks. */
function orderNodes(pipelines: readonly Pipeline[]): Node[] {
  const ordered: Node[] = []
  const state = new Map<Node, 'open' | 'done'>()
  const visit = (node: Node): void => {
    if (state.get(node) === 'done') return
    if (state.get(node) === 'open') {
      throw new MillraceError('invalid-plan', `a step of kind ${node.kind} reads its own output`, {
        ...(node.named === null ? {} : { at: { step: node.named } }),
        hint: 'a pipeline has no cycles: write to a topic and read that in another pipeline',
      })
    }
    state.set(node, 'open')
    for (const input of inputsOf(node)) visit(input)
    state.set(node, 'done')
    ordered.push(node)
  }
  for (const pipeline of pipelines) {
    for (const sink of sinksOf(pipeline)) visit(sink)
  }
  if (ordered.length === 0) throw noSink('there is no pipeline')
  return ordered
}

function sinksOf(pipeline: Pipeline): readonly Node[] {
  if (pipeline?.kind === 'pipeline' && pipeline.sinks.length > 0) return pipeline.sinks
  const given: unknown = pipeline
  const isStream = typeof given === 'object' && given !== null && 'node' in given
  throw noSink(isStream ? 'a stream was given that goes nowhere' : 'what was given is not a pipeline')
}

function noSink(what: string): MillraceError {
  return new MillraceError('invalid-plan', what, { hint: 'end the stream with .to(topic), .print() or .forEach(fn)' })
}

/** Kinds whose name others stand on: they change what the records are, or hold state. */
const anchors = new Set<Node['kind']>(['source', 'keyBy', 'merge', 'branch-output', 'aggregate', 'reduce'])

function nameSteps(nodes: readonly Node[]): Step[] {
  const names = new Map<Node, string>()
  const anchorOf = new Map<Node, string>()
  const taken = new Map<string, Node>()
  for (const node of nodes) {
    if (node.named === null) continue
    if (taken.has(node.named)) throw doubleName(node.named)
    taken.set(node.named, node)
  }
  for (const node of nodes) {
    const before = inputsOf(node)[0]
    const anchor = before === undefined ? '' : (anchorOf.get(before) ?? '')
    const name = node.named ?? freeName(derivedName(node, anchor), taken)
    if (node.kind === 'source' && taken.has(name) && taken.get(name) !== node) throw doubleName(name)
    taken.set(name, node)
    names.set(node, name)
    anchorOf.set(node, anchors.has(node.kind) ? name : anchor)
  }
  return nodes.map((node) => ({
    name: names.get(node) as string,
    node,
    inputs: inputsOf(node).map((input) => names.get(input) as string),
  }))
}

function doubleName(name: string): MillraceError {
  return new MillraceError('invalid-plan', `two steps are named '${name}'`, {
    at: { step: name },
    hint: 'state belongs to the name: give each its own with .named(…)',
  })
}

function derivedName(node: Node, anchor: string): string {
  if (node.kind === 'source') return node.topic.name
  if (node.kind === 'branch-output') return `${anchor}.${node.output}`
  return `${anchor}.${node.kind}`
}

function freeName(wanted: string, taken: ReadonlyMap<string, Node>): string {
  if (!taken.has(wanted)) return wanted
  for (let n = 2; ; n++) if (!taken.has(`${wanted}-${n}`)) return `${wanted}-${n}`
}

function checkTopics(steps: readonly Step[]): void {
  const declared = new Map<string, TopicSpec>()
  const reads = new Map<string, string>()
  for (const { name, node } of steps) {
    if (node.kind !== 'source' && node.kind !== 'to') continue
    const { topic } = node
    const before = declared.get(topic.name)
    if (before !== undefined && before !== topic) throw twiceDeclared(topic.name, name)
    declared.set(topic.name, topic)
    if (node.kind === 'source') reads.set(topic.name, name)
  }
  for (const { name, node } of steps) {
    if (node.kind === 'to' && reads.has(node.topic.name)) {
      throw new MillraceError('invalid-plan', `topic '${node.topic.name}' is read and written by one pipeline`, {
        at: { step: name, topic: node.topic.name },
        hint: 'a pipeline has no cycles: write to another topic',
      })
    }
  }
}

function twiceDeclared(topic: string, step: string): MillraceError {
  return new MillraceError('invalid-plan', `topic '${topic}' is declared twice`, {
    at: { step, topic },
    hint: 'declare it once and use that value everywhere',
  })
}

/** Steps that group by key must stand on a key: a guard for callers without types. */
function checkKeys(steps: readonly Step[]): void {
  const keyed = new Map<Node, boolean>()
  for (const { name, node } of steps) {
    if (node.kind === 'aggregate' || node.kind === 'reduce') {
      if (keyed.get(node.input) !== true) {
        throw new MillraceError('invalid-plan', `${node.kind} stands on a stream without a key`, {
          at: { step: name },
          hint: 'call keyBy() before it, or give the topic a key',
        })
      }
      const wanted = node.window as { kind?: unknown } | null
      if (wanted !== null && wanted.kind !== 'tumbling') {
        throw new MillraceError('invalid-plan', `window of kind '${String(wanted.kind)}' is not known`, {
          at: { step: name },
          hint: "use tumbling('10s')",
        })
      }
    }
    keyed.set(node, isKeyed(node, keyed))
  }
}

function isKeyed(node: Node, keyed: ReadonlyMap<Node, boolean>): boolean {
  if (node.kind === 'source') return node.topic.key !== null
  if (node.kind === 'keyBy') return true
  return inputsOf(node).every((input) => keyed.get(input) === true)
}
