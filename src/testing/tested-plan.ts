/** The plan of a pipeline under test, cut into tasks, over topics that are declared only. */
import { letterHeaderBytesMax } from '../engine/letters.ts'
import { isTable } from '../engine/table-readers.ts'
import { cutIntoTasks, widthOf, type PlannedTask, type TaskMode } from '../engine/task-plan.ts'
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

/**
 * As a run does it: with one partition there is one task, whatever `mode` says.
 * @throws `invalid-plan`
 */
export function testedPlan(pipelines: readonly Pipeline[], mode: TaskMode): TestedPlan {
  const name = nameOf(pipelines)
  const whole = buildPlan(pipelines, { name, repartition: false })
  const declared = topicsOf(whole)
  const width = widthOf(whole, declared.all)
  if (mode === 'one' || width === 1) {
    const tasks = cutIntoTasks(whole, declared.all, 'one')
    return { ...declared, plan: whole, tasks, repartitions: new Set() }
  }
  const plan = buildPlan(pipelines, { name, repartition: true })
  const repartitions = new Set(
    plan.parts.flatMap((part) => part.repartitions.map(({ topic }) => topic)),
  )
  const all = new Map(declared.all)
  for (const topic of repartitions)
    all.set(topic, infoOf(topic, { partitions: width, compact: false }))
  return { ...declared, plan, tasks: cutIntoTasks(plan, all, mode), repartitions }
}

/** The pipelines' own name, where all have the same. */
function nameOf(pipelines: readonly Pipeline[]): string {
  const names = new Set(pipelines.map(({ name }) => name ?? 'test'))
  const [name = 'test'] = names
  return names.size === 1 ? name : 'test'
}

interface DeclaredTopics extends Pick<TestedPlan, 'sources' | 'outputs' | 'tables'> {
  /** With those for letters. */
  readonly all: ReadonlyMap<string, TopicInfo>
}

function topicsOf(plan: Plan): DeclaredTopics {
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
  return { sources, outputs, tables, all }
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
