/** What is simulated: a pipeline, with what all its runs share. */
import { MillraceError } from '../../core/error.ts'
import type { StartAt } from '../../log/log.ts'
import { buildPlan } from '../../pipeline/build-plan.ts'
import { deadTopic, lateTopic } from '../../pipeline/letter-topic.ts'
import type { Pipeline, TopicSpec } from '../../pipeline/node.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { throwingSteps } from './throwing.ts'
import type { MakeWorld } from './world.ts'

export interface Subject {
  readonly name: string
  /** Called once for each simulated process. */
  readonly pipelines: () => readonly Pipeline[]
  readonly tasks: 'one' | 'per-partition'
  readonly sources: ReadonlyMap<string, TopicSpec>
  /** Names of the topics that tasks read: sources, and repartition topics. */
  readonly places: readonly string[]
  /** Names of the topics whose records are compared. */
  readonly topics: readonly string[]
  /** Those of letters, where the plan has a step that calls the world outside. */
  readonly looseLetters: ReadonlySet<string>
  /** Compact topics to which tables are written, where their rows may change in any order. */
  readonly tables: ReadonlySet<string>
  /** In the order of the plan. */
  readonly steps: readonly string[]
  /** Steps whose functions a fault may let throw. */
  readonly throwing: ReadonlySet<string>
  /** How long the wall clock goes on after all was read, ms. */
  readonly settleMs: number
  /** The same before each further wave of records, ms. */
  readonly betweenMs: number
  /** Where a topic is read from at first. */
  readonly startAt: StartAt
  /** Makes the storage of a run. Default: in memory, or on a disk where a fault of one comes. */
  readonly world?: MakeWorld
}

export interface SubjectOptions {
  readonly tasks: 'one' | 'per-partition'
  readonly settleMs: number
  readonly betweenMs: number
  readonly startAt: StartAt
  /** Makes the storage of a run. Default: in memory, or on a disk where a fault of one comes. */
  readonly world?: MakeWorld
}

/** @throws `invalid-plan` */
export function subjectOf(make: () => readonly Pipeline[], options: SubjectOptions): Subject {
  const pipelines = make()
  const names = new Set(pipelines.map((one) => one.name ?? 'simulated'))
  const [name = 'simulated'] = names
  if (names.size > 1) {
    throw new MillraceError('invalid-plan', `${names.size} pipelines cannot be simulated as one`, {
      hint: 'simulate each of them on its own',
    })
  }
  const sources = new Map<string, TopicSpec>()
  const written = new Set<string>()
  const whole = buildPlan(pipelines, { name, repartition: false })
  const steps = whole.parts.flatMap((part) => part.steps)
  for (const { node } of steps) {
    if (node.kind === 'source') sources.set(node.topic.name, node.topic)
    if (node.kind === 'to') written.add(node.topic.name)
  }
  const letters = [...sources.keys()].flatMap((source) => [deadTopic(source), lateTopic(source)])
  for (const letter of letters) written.add(letter)
  const calls = steps.some(({ node }) => node.kind === 'step' && node.traits.asynchronous)
  const isCut = options.tasks === 'per-partition'
  const plan = isCut ? buildPlan(pipelines, { name, repartition: true }) : whole
  const passages = isCut && [...sources.values()].some((spec) => (spec.partitions ?? 1) > 1)
  const repartitions = plan.parts.flatMap((part) => part.repartitions.map(({ topic }) => topic))
  return {
    ...options,
    name,
    pipelines: make,
    sources,
    places: passages ? [...sources.keys(), ...repartitions] : [...sources.keys()],
    topics: [...written],
    looseLetters: new Set(calls ? letters : []),
    tables: new Set(isCut ? tablesBehind(plan) : []),
    steps: steps.map((step) => step.name),
    throwing: throwingSteps(steps),
  }
}

/** Compact topics to which tables behind a repartition are written. */
function tablesBehind({ parts }: Plan): string[] {
  const steps = parts.filter(({ reads }) => reads.length > 0).flatMap((part) => part.steps)
  return steps.flatMap(({ node }) =>
    node.kind === 'to' && node.isTable && node.topic.compact ? [node.topic.name] : [],
  )
}
