/** Cuts a plan into tasks: which partitions each reads, which topics it may append to. */
import { MillraceError } from '../core/error.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import type { Plan, PlanPart } from '../pipeline/plan.ts'
import { deadTopic, lateTopic } from '../pipeline/letter-topic.ts'
import type { OutputTopic } from './outputs.ts'
import type { TaskInput } from './task-inputs.ts'
import type { KnownTopics } from './topics.ts'
import { ensure, sourceSpecs } from './topics.ts'

/**
 * `one`: a single task reads every partition, nothing needs to change partitions. `per-partition`:
 * one task for each.
 */
export type TaskMode = 'one' | 'per-partition'

export interface PlannedTask {
  /** `<part>/<partition>`, or `<part>/all`. */
  readonly name: string
  readonly index: number
  readonly part: PlanPart
  readonly inputs: readonly TaskInput[]
  readonly outputTopics: readonly OutputTopic[]
  readonly homeTopic: string
}

/**
 * Finds or makes the plan's repartition topics, and cuts it into tasks.
 * @throws `invalid-plan` where topics that must be read together have unequal partition counts
 */
export async function planTasks(
  log: Log,
  plan: Plan,
  topics: KnownTopics,
  mode: TaskMode,
): Promise<PlannedTask[]> {
  const width = widthOf(plan, topics)
  const all = new Map<string, TopicInfo>(topics)
  for (const { repartitions } of plan.parts) {
    for (const { topic } of repartitions) {
      const config = { partitions: width, recordBytesMax: repartitionRecordBytesMax }
      all.set(topic, await ensure(log, topic, config))
    }
  }
  return cutIntoTasks(plan, all, mode)
}

/**
 * @param all the plan's topics, those for repartitioning included
 * @throws `invalid-plan` as `planTasks`
 */
export function cutIntoTasks(plan: Plan, all: KnownTopics, mode: TaskMode): PlannedTask[] {
  const [homeTopic = ''] = partitionedSources(plan)
  const tasksOf = (part: PlanPart): number => (mode === 'one' ? 1 : partWidth(plan, part, all))
  // Where a source waits, so must those behind a repartition topic.
  const idle = sourceSpecs(plan).some((spec) => spec.idle === 'wait') ? 'wait' : 'advance'
  const upstream = new Map<string, number>()
  for (const part of plan.parts)
    for (const { topic } of part.repartitions) upstream.set(topic, tasksOf(part))
  const planned: PlannedTask[] = []
  for (const part of plan.parts) {
    const count = tasksOf(part)
    for (let index = 0; index < count; index++) {
      planned.push({
        name: `${part.name}/${mode === 'one' ? 'all' : index}`,
        index,
        part,
        inputs: inputsOf(part, {
          topics: all,
          upstream,
          idle,
          partition: mode === 'one' ? null : index,
        }),
        outputTopics: outputsOf(part, all, homeTopic),
        homeTopic,
      })
    }
  }
  return planned
}

/** Values on their way between parts may be larger than the records they came from. */
const repartitionRecordBytesMax = 16 * 1_048_576

/** Topics of which each task reads its own partitions. */
function partitionedSources(plan: Plan): string[] {
  return plan.parts.flatMap(({ steps }) =>
    steps.flatMap(({ node }) =>
      node.kind === 'source' && node.scope === 'partitioned' ? [node.topic.name] : [],
    ),
  )
}

/** Partitions of the widest of them: so many tasks a part can have. */
export function widthOf(plan: Plan, topics: KnownTopics): number {
  return Math.max(1, ...partitionedSources(plan).map((topic) => partitionCount(topics, topic)))
}

interface InputsOptions {
  readonly topics: KnownTopics
  /** How many tasks write to a repartition topic. */
  readonly upstream: ReadonlyMap<string, number>
  /** What the tasks behind a repartition topic do when all of it is idle. */
  readonly idle: 'advance' | 'wait'
  /** null: all of them. */
  readonly partition: number | null
}

function inputsOf(part: PlanPart, options: InputsOptions): TaskInput[] {
  const { topics, upstream, partition } = options
  const inputs: TaskInput[] = []
  for (const { name, node } of part.steps) {
    if (node.kind !== 'source') continue
    const { topic: spec, scope } = node
    const isShared = scope === 'global'
    const { outOfOrderMs, idleAfterMs, idle } = spec
    const all = allPartitions(topics, spec.name)
    for (const each of isShared || partition === null ? all : [partition]) {
      const place = { topic: spec.name, partition: each }
      const clock = { outOfOrderMs, idleAfterMs, idle }
      const partitionedBy = isShared || partition === null ? null : all.length
      inputs.push({ kind: 'topic', step: name, place, spec, clock, partitionedBy, scope })
    }
  }
  for (const { step, topic } of part.reads) {
    for (const each of partition === null ? allPartitions(topics, topic) : [partition]) {
      // Idleness, too, comes by marks from upstream: never by the clock.
      const clock = { outOfOrderMs: 0, idleAfterMs: Number.POSITIVE_INFINITY, idle: options.idle }
      const place = { topic, partition: each }
      inputs.push({
        kind: 'repartition',
        step,
        place,
        upstreamTasks: upstream.get(topic) ?? 1,
        clock,
      })
    }
  }
  return inputs
}

function allPartitions(topics: KnownTopics, topic: string): number[] {
  return Array.from({ length: partitionCount(topics, topic) }, (_, i) => i)
}

function outputsOf(part: PlanPart, topics: KnownTopics, homeTopic: string): OutputTopic[] {
  const names = new Set<string>([deadTopic(homeTopic), lateTopic(homeTopic)])
  for (const { node } of part.steps) {
    if (node.kind === 'to') names.add(node.topic.name)
    if (node.kind === 'source') {
      names.add(deadTopic(node.topic.name))
      names.add(lateTopic(node.topic.name))
    }
  }
  for (const { topic } of part.repartitions) names.add(topic)
  const outputs: OutputTopic[] = []
  for (const name of names) {
    const info = topics.get(name)
    if (info === undefined) continue // no step can be late: there is no topic for it
    const { recordBytesMax, cleanup } = info.config
    outputs.push({
      name,
      partitionCount: info.partitions.length,
      recordBytesMax,
      compact: cleanup === 'compact',
    })
  }
  return outputs
}

/**
 * Tasks of a part that runs per partition: as many as its inputs have partitions, which must agree.
 */
function partWidth(plan: Plan, part: PlanPart, topics: KnownTopics): number {
  const names = [
    ...part.steps.flatMap(({ node }) =>
      node.kind === 'source' && node.scope === 'partitioned' ? [node.topic.name] : [],
    ),
    ...part.reads.map((read) => read.topic),
  ]
  const [first, ...rest] = names
  const width = first === undefined ? 1 : partitionCount(topics, first)
  for (const name of rest) {
    if (partitionCount(topics, name) === width) continue
    throw new MillraceError(
      'invalid-plan',
      `topics '${first}' and '${name}' are read together but have ${width} and ` +
        `${partitionCount(topics, name)} partitions`,
      {
        at: { pipeline: plan.name, step: meetingOf(part) },
        hint: "give both as many partitions, or run all in one task (tasks: 'one')",
      },
    )
  }
  return width
}

/**
 * The step in which what is read together meets: the first with two inputs, else the part's name.
 */
function meetingOf(part: PlanPart): string {
  const join = part.steps.find(({ node, inputs }) => node.kind === 'step' && inputs.length > 1)
  return join?.name ?? part.name
}

function partitionCount(topics: KnownTopics, topic: string): number {
  return topics.get(topic)?.partitions.length ?? 1
}
