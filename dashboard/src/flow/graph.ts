/** The plans as a graph: sources → topics → steps → topics and sinks. */
import { Graph, layout } from '@dagrejs/dagre'
import type { Plan, PlanStep, SourceLive } from '../lib/shapes.ts'

export type NodeKind = 'source' | 'topic' | 'step' | 'output'

export interface FlowNode {
  readonly id: string
  readonly kind: NodeKind
  readonly label: string
  /** What it is, below its name. */
  readonly what: string
  /** Where it is one: the pipeline it belongs to. */
  readonly pipeline: string | null
  readonly step: PlanStep | null
  /** Name of the source, the topic or the sink. */
  readonly name: string
  /** Of a sink. */
  readonly outbox: string | null
}

export interface FlowEdge {
  readonly from: string
  readonly to: string
  /** Which figure belongs to it. */
  readonly carries:
    | { readonly kind: 'source'; readonly source: string }
    | { readonly kind: 'read'; readonly pipeline: string; readonly topic: string }
    | { readonly kind: 'write'; readonly topic: string }
    | {
        readonly kind: 'step'
        readonly pipeline: string
        readonly from: string
        readonly to: string
      }
}

export interface FlowGraph {
  readonly nodes: readonly FlowNode[]
  readonly edges: readonly FlowEdge[]
}

export function flowGraph(plans: readonly Plan[], sources: readonly SourceLive[]): FlowGraph {
  const building = new Building()
  for (const { source, topic } of sources) {
    const id = building.add('source', source, { what: 'source' })
    building.edge(id, building.topic(topic), { kind: 'source', source })
  }
  for (const plan of plans) for (const part of plan.parts) building.part(plan.pipeline, part)
  return building.graph()
}

class Building {
  readonly #nodes = new Map<string, FlowNode>()
  readonly #edges = new Map<string, FlowEdge>()

  graph(): FlowGraph {
    return { nodes: [...this.#nodes.values()], edges: [...this.#edges.values()] }
  }

  add(kind: NodeKind, name: string, more: Partial<FlowNode> = {}): string {
    const id = more.id ?? `${kind} ${name}`
    if (!this.#nodes.has(id)) {
      const plain = { what: kind, pipeline: null, step: null, outbox: null }
      this.#nodes.set(id, { label: name, ...plain, ...more, id, kind, name })
    }
    return id
  }

  topic(name: string, what = 'topic'): string {
    return this.add('topic', name, { what })
  }

  edge(from: string, to: string, carries: FlowEdge['carries']): void {
    this.#edges.set(`${from} → ${to}`, { from, to, carries })
  }

  part(pipeline: string, part: Plan['parts'][number]): void {
    /** Step → the node that its records come out of, and the topic where that is one. */
    const out = new Map<string, { readonly id: string; readonly topic: string | null }>()
    for (const { step, topic } of part.reads) {
      out.set(step, { id: this.topic(topic, 'repartition topic'), topic })
    }
    for (const step of part.steps) {
      const { name, settings } = step
      const topic = settings['topic']
      if (step.kind === 'source' || step.kind === 'table') {
        if (topic !== undefined) out.set(name, { id: this.topic(topic), topic })
        if (topic !== undefined) continue
      }
      const id = step.kind === 'to' ? this.#end(pipeline, step) : this.#step(pipeline, step)
      out.set(name, { id, topic: null })
      for (const input of step.inputs) {
        const from = out.get(input)
        if (from === undefined) continue
        this.edge(from.id, id, carriesOf(pipeline, { step, input, from: from.topic }))
      }
    }
    for (const { step, topic } of part.repartitions) {
      const from = out.get(step)
      const to = this.topic(topic, 'repartition topic')
      if (from !== undefined) this.edge(from.id, to, { kind: 'write', topic })
    }
  }

  #end(pipeline: string, step: PlanStep): string {
    const { sink, outbox = null, topic = step.name } = step.settings
    if (sink === undefined) return this.topic(topic)
    const space = sink.indexOf(' ')
    const [what, name] = [sink.slice(0, space), sink.slice(space + 1)]
    return this.add('output', name, {
      id: `output ${pipeline} ${name}`,
      what,
      pipeline,
      step,
      outbox,
    })
  }

  #step(pipeline: string, step: PlanStep): string {
    const { name, kind, settings } = step
    const isEnd = kind === 'print' || kind === 'for-each'
    return this.add(isEnd ? 'output' : 'step', name, {
      id: `step ${pipeline} ${name}`,
      label: name.split('.').at(-1) ?? name,
      what: settings['window'] ?? kind,
      pipeline,
      step,
    })
  }
}

function carriesOf(
  pipeline: string,
  { step, input, from }: { readonly step: PlanStep; readonly input: string; from: string | null },
): FlowEdge['carries'] {
  if (from !== null) return { kind: 'read', pipeline, topic: from }
  const topic = step.kind === 'to' ? (step.settings['outbox'] ?? step.settings['topic']) : undefined
  return topic === undefined
    ? { kind: 'step', pipeline, from: input, to: step.name }
    : { kind: 'write', topic }
}

export const nodeWidth = 172
export const nodeHeight = 62

export interface Laid {
  readonly width: number
  readonly height: number
  /** Node → its upper left corner. */
  readonly places: ReadonlyMap<string, { readonly x: number; readonly y: number }>
  readonly paths: readonly {
    readonly edge: FlowEdge
    readonly d: string
    readonly x: number
    readonly y: number
  }[]
}

export function laidOut({ nodes, edges }: FlowGraph, direction: 'LR' | 'TB'): Laid {
  const graph = new Graph()
  graph.setGraph({ rankdir: direction, nodesep: 26, ranksep: 68, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id } of nodes) graph.setNode(id, { width: nodeWidth, height: nodeHeight })
  for (const { from, to } of edges) graph.setEdge(from, to)
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  const places = new Map(
    nodes.map(({ id }) => {
      const { x, y } = graph.node(id) as { x: number; y: number }
      return [id, { x: x - nodeWidth / 2, y: y - nodeHeight / 2 }]
    }),
  )
  const paths = edges.map((edge) => {
    const { points } = graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] }
    const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 }
    return { edge, d: pathThrough(points), x: middle.x, y: middle.y }
  })
  return { width, height, places, paths }
}

/** A curve that touches the middles between the points. */
function pathThrough(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points
  const last = rest.pop()
  if (first === undefined || last === undefined) return ''
  const at = ({ x, y }: { x: number; y: number }): string => `${x.toFixed(1)} ${y.toFixed(1)}`
  let d = `M ${at(first)}`
  for (const [i, point] of rest.entries()) {
    const next = rest[i + 1] ?? last
    const end =
      i === rest.length - 1 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 }
    d += ` Q ${at(point)} ${at(end)}`
  }
  return rest.length === 0 ? `${d} L ${at(last)}` : d
}
