/** What nodes and edges show, from the last snapshots. */
import { short, rate } from '../lib/format.ts'
import { live, perSecond } from '../lib/live.ts'
import type { Live, TopicLive } from '../lib/shapes.ts'
import type { FlowEdge, FlowNode } from './graph.ts'

export type Health = 'good' | 'warn' | 'bad'

export interface Figures {
  /** Short, in the node. */
  readonly text: string
  readonly health: Health
  /** What is wrong, in a word or two; '': nothing. */
  readonly trouble: string
}

/** Records that wait, from which on a reader counts as behind. */
const lagMin = 1_000
/** Seconds of work that wait, from which on it does. */
const behindSeconds = 2

export function figuresOf(node: FlowNode): Figures {
  if (node.kind === 'source') return sourceFigures(node.name)
  if (node.kind === 'topic') return topicFigures(node.name)
  if (node.outbox !== null) return sinkFigures(node)
  if (node.pipeline !== null && node.step !== null) {
    const speed = stepRate(node.pipeline, node.step.name)
    return { text: speed === null ? '' : rate(speed), health: 'good', trouble: '' }
  }
  return { text: '', health: 'good', trouble: '' }
}

function sourceFigures(name: string): Figures {
  const source = live.value?.sources.find((one) => one.source === name)
  if (source === undefined) return { text: '', health: 'good', trouble: '' }
  const speed = perSecond((at) => at.sources.find((one) => one.source === name)?.recordCount)
  const isBad = source.state === 'retrying' || source.state === 'failed'
  return {
    text: speed === null ? '' : rate(speed),
    health: isBad ? 'bad' : 'good',
    trouble: source.state === 'running' ? '' : source.state,
  }
}

function topicFigures(name: string): Figures {
  const speed = perSecond((at) => endOf(at, name))
  const lag = lagOf(name)
  const dead = keptIn(`${name}.dead`)
  const late = keptIn(`${name}.late`)
  const isBehind = lag > Math.max(lagMin, behindSeconds * (speed ?? 0))
  const troubles = [
    ...(dead > 0 ? [`${short(dead)} dead`] : []),
    ...(late > 0 ? [`${short(late)} late`] : []),
    ...(isBehind ? ['behind'] : []),
  ]
  return {
    text: [
      ...(speed === null ? [] : [rate(speed)]),
      ...(lag > 0 ? [`lag ${short(lag)}`] : []),
    ].join(' · '),
    health: dead > 0 ? 'bad' : troubles.length > 0 ? 'warn' : 'good',
    trouble: troubles.join(', '),
  }
}

function sinkFigures({ name, pipeline }: FlowNode): Figures {
  const find = (at: Live) =>
    at.deliveries.find((one) => one.sink === name && one.pipeline === pipeline)
  const sink = live.value === null ? undefined : find(live.value)
  if (sink === undefined) return { text: '', health: 'good', trouble: '' }
  const speed = perSecond((at) => find(at)?.delivered)
  const waiting = sink.backlog > 0 ? [`${short(sink.backlog)} wait`] : []
  const isAway = sink.state === 'away'
  const troubles = [
    ...(isAway ? ['away'] : []),
    ...(sink.dead > 0 ? [`${short(sink.dead)} dead`] : []),
  ]
  return {
    text: [...(speed === null ? [] : [rate(speed)]), ...waiting].join(' · '),
    health: isAway || sink.dead > 0 ? 'bad' : 'good',
    trouble: troubles.join(', '),
  }
}

/** Records a second on an edge; null: not known. */
export function edgeRate({ carries }: FlowEdge): number | null {
  switch (carries.kind) {
    case 'source':
      return perSecond((at) => at.sources.find((one) => one.source === carries.source)?.recordCount)
    case 'write':
      return perSecond((at) => endOf(at, carries.topic))
    case 'read':
      return perSecond((at) => readBy(at, carries.pipeline, carries.topic))
    case 'step':
      return perSecond((at) => edgeRecords(at, carries))
  }
}

function edgeRecords(
  at: Live,
  { pipeline, from, to }: Extract<FlowEdge['carries'], { kind: 'step' }>,
): number | undefined {
  return at.edges.find((edge) => edge.from === from && edge.to === to && edge.pipeline === pipeline)
    ?.records
}

/** Records that a step takes a second; null: not known. */
export function stepRate(pipeline: string, step: string): number | null {
  return perSecond((at) => {
    const own = at.edges.filter((edge) => edge.to === step && edge.pipeline === pipeline)
    return own.length === 0 ? undefined : own.reduce((sum, { records }) => sum + records, 0)
  })
}

function readBy(at: Live, pipeline: string, topic: string): number {
  let sum = 0
  for (const task of at.tasks) {
    if (task.pipeline !== pipeline) continue
    for (const input of task.inputs) if (input.topic === topic) sum += input.offset
  }
  return sum
}

export function topicOf(name: string): TopicLive | undefined {
  return live.value?.topics?.find((one) => one.topic === name)
}

function endOf(at: Live, name: string): number | undefined {
  return at.topics?.find((one) => one.topic === name)?.end
}

function keptIn(name: string): number {
  const topic = topicOf(name)
  return topic === undefined ? 0 : topic.end - topic.start
}

/** Of the reader that is furthest behind. */
export function lagOf(topic: string): number {
  const byPipeline = new Map<string, number>()
  for (const { pipeline, inputs } of live.value?.tasks ?? []) {
    for (const input of inputs) {
      if (input.topic !== topic) continue
      byPipeline.set(pipeline, (byPipeline.get(pipeline) ?? 0) + input.lag)
    }
  }
  return Math.max(0, ...byPipeline.values())
}
