/** The plan of a pipeline under test, cut into tasks, over topics that are declared only. */
import { letterHeaderBytesMax } from '../engine/letters.ts'
import { isTable } from '../engine/table-readers.ts'
import { cutIntoTasks, type PlannedTask, type TaskMode } from '../engine/task-plan.ts'
import { defaultTopicConfig, type TopicConfig, type TopicInfo } from '../log/log.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import type { Pipeline, TopicSpec } from '../pipeline/node.ts'
import type { Plan } from '../pipeline/plan.ts'

/** Nothing is too large in a test. */
const recordBytesMax = 1 << 24

export interface TestedPlan {
  readonly plan: Plan
  readonly tasks: readonly PlannedTask[]
  readonly sources: ReadonlyMap<string, TopicSpec>
  /** Topics that the pipeline's steps write to. */
  readonly outputs: ReadonlyMap<string, TopicSpec>
  /** Names of repartition topics: what is written there comes back. */
  readonly repartitions: ReadonlySet<string>
  /** Names of the sources that are read as tables: a null there deletes a row. */
  readonly tables: ReadonlySet<string>
}

/** @throws `invalid-plan` */
export function testedPlan(pipelines: readonly Pipeline[], mode: TaskMode): TestedPlan {
  const plan = buildPlan(pipelines, { name: 'test', repartition: mode === 'per-partition' })
  const sources = new Map<string, TopicSpec>()
  const outputs = new Map<string, TopicSpec>()
  const tables = new Set<string>()
  for (const { steps } of plan.parts) {
    const topics = new Map<string, string>()
    for (const { name, node, inputs } of steps) {
      if (node.kind === 'to') outputs.set(node.topic.name, node.topic)
      if (node.kind === 'source') {
        sources.set(node.topic.name, node.topic)
        topics.set(name, node.topic.name)
        if (node.scope === 'global') tables.add(node.topic.name)
      }
      if (!isTable(node)) continue
      for (const input of inputs) if (topics.has(input)) tables.add(topics.get(input) as string)
    }
  }
  const all = new Map<string, TopicInfo>()
  for (const spec of outputs.values()) all.set(spec.name, infoOf(spec.name, spec))
  for (const spec of sources.values()) {
    all.set(spec.name, infoOf(spec.name, spec))
    for (const name of [deadTopic(spec.name), lateTopic(spec.name)])
      all.set(name, infoOf(name, { partitions: spec.partitions, compact: false }))
  }
  const partitions = Math.max(1, ...[...sources.values()].map((spec) => spec.partitions ?? 1))
  const repartitions = new Set<string>()
  for (const part of plan.parts) {
    for (const { topic } of part.repartitions) {
      repartitions.add(topic)
      all.set(topic, infoOf(topic, { partitions, compact: false }))
    }
  }
  const tasks = cutIntoTasks(plan, all, mode)
  return { plan, tasks, sources, outputs, repartitions, tables }
}

export function partitionsOf(spec: Pick<TopicSpec, 'partitions'>): number {
  return spec.partitions ?? 1
}

function infoOf(name: string, spec: Pick<TopicSpec, 'partitions' | 'compact'>): TopicInfo {
  const config: TopicConfig = {
    ...defaultTopicConfig,
    partitions: partitionsOf(spec),
    recordBytesMax: recordBytesMax + letterHeaderBytesMax,
    cleanup: spec.compact ? 'compact' : 'delete',
  }
  const partitions = Array.from({ length: config.partitions }, (_, partition) => {
    return { partition, startOffset: 0, endOffset: 0, bytes: 0 }
  })
  return { name, config, createdMs: null, partitions }
}
