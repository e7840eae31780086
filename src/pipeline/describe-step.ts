/**
 * What there is to say of a step besides its name: for people who read a plan, and for programs.
 */
import { unreachable } from '../core/assert.ts'
import { formatDuration } from '../core/duration.ts'
import { deadTopic, lateTopic } from './letter-topic.ts'
import type { AggregateNode, Node, ReduceNode, Settings, SourceNode, TopicSpec } from './node.ts'
import type { WatermarkSpec } from './watermark-spec.ts'
import type { EmissionSpec } from './window-spec.ts'
import { canBeLateFor } from './window-check.ts'
import { windowState, windowText } from './window-text.ts'

export function settingsOf(node: Node): Settings {
  switch (node.kind) {
    case 'source':
      return sourceSettings(node)
    case 'aggregate':
    case 'reduce':
      return groupSettings(node)
    case 'branch':
      return { cases: [...node.cases.map((each) => each.name), 'rest'].join(', ') }
    case 'print':
      return node.options.everyMs === null
        ? {}
        : {
            every: formatDuration(node.options.everyMs),
            first: String(node.options.first),
          }
    case 'to':
      return node.sink === null
        ? { topic: node.topic.name, ...topicSettings(node.topic) }
        : { sink: `${node.sink.type} ${node.sink.name}`, outbox: node.topic.name }
    case 'map':
    case 'filter':
    case 'flatMap':
    case 'branch-output':
    case 'merge':
    case 'keyBy':
    case 'forEach':
    case 'output':
      return {}
    case 'step':
      return node.traits.settings
    default:
      return unreachable(node)
  }
}

/** What a step keeps between records, and how it grows; null: nothing. */
export function stateOf(node: Node): string | null {
  if (node.kind === 'step') return node.traits.state
  if (node.kind === 'aggregate' || node.kind === 'reduce') {
    return node.window === null ? rowsState(node.ttlMs) : windowState(node.window)
  }
  return node.kind === 'print' && node.options.everyMs !== null ? 'the open batch' : null
}

function rowsState(ttlMs: number | null): string {
  return ttlMs === null
    ? 'state grows with the number of keys'
    : `rows until ${formatDuration(ttlMs)} after their last record`
}

function sourceSettings({ topic }: SourceNode): Settings {
  return {
    topic: topic.name,
    ...topicSettings(topic),
    time: topic.time === null ? "the record's" : 'from the value',
    'out of order': formatDuration(topic.outOfOrderMs),
    ...(topic.watermark.kind === 'bounded' ? {} : { watermark: watermarkText(topic.watermark) }),
    'idle after': `${formatDuration(topic.idleAfterMs)}, then ${topic.idle}`,
    dead: deadTopic(topic.name),
  }
}

function watermarkText(watermark: WatermarkSpec): string {
  if (watermark.kind !== 'per-key') return watermark.kind
  return `per key, ended when ${formatDuration(watermark.idleAfterMs)} behind`
}

function topicSettings({ codec, schema, key, partitions, compact }: TopicSpec): Settings {
  const text = key === null ? 'none' : key === 'record' ? "the record's" : 'from the value'
  return {
    codec: codec.name,
    ...(schema === null ? {} : { schema: schema['~standard'].vendor }),
    key: text,
    ...(partitions === null ? {} : { partitions: String(partitions) }),
    ...(compact ? { cleanup: 'compact' } : {}),
  }
}

function groupSettings(node: AggregateNode | ReduceNode): Settings {
  const window: Settings =
    node.window === null
      ? ttlSettings(node.ttlMs)
      : {
          window: windowText(node.window),
          lateness: formatDuration(node.latenessMs),
          ...(node.emission.kind === 'final' ? {} : { emit: emissionText(node.emission) }),
        }
  if (node.kind === 'reduce') return window
  const fields = node.fields.map(({ name, aggregator }) => `${name} = ${aggregator.kind}`)
  return { ...window, fields: fields.join(', ') }
}

function ttlSettings(ttlMs: number | null): Settings {
  return ttlMs === null ? {} : { ttl: formatDuration(ttlMs) }
}

function emissionText(emission: EmissionSpec): string {
  return emission.kind === 'early'
    ? `early, every ${formatDuration(emission.everyMs)}`
    : emission.kind
}

/** @returns whether what a step keeps only ever grows */
export function growsForEver(node: Node): boolean {
  if (node.kind === 'step') return node.traits.grows
  if (node.kind !== 'aggregate' && node.kind !== 'reduce') return false
  const { window, ttlMs } = node
  if (window === null) return ttlMs === null
  return window.kind === 'count' || window.kind === 'global'
}

/**
 * Topics for the records that a windowed step refuses: one for each source, null where nothing is
 * ever late.
 */
export function lateTopicsOf(node: Node, sources: readonly string[]): readonly string[] {
  return canBeLate(node) ? sources.map(lateTopic) : []
}

/** Whether a record can come too late for the step. */
export function canBeLate(node: Node): boolean {
  if (node.kind === 'step') return node.traits.late
  if (node.kind !== 'aggregate' && node.kind !== 'reduce') return false
  return node.window === null ? node.ttlMs !== null : canBeLateFor(node.window)
}
