/**
 * From pipelines to a plan: the steps behind the outputs, ordered, named, checked, and cut where
 * keys change partitions.
 */
import { MillraceError } from '../core/error.ts'
import type { Pipeline } from './node.ts'
import { orderNodes } from './node-order.ts'
import { nameOutboxes } from './outboxes.ts'
import { checkPipelineName } from './pipeline.ts'
import { pipelinesOf } from './pipelines-of.ts'
import type { Plan, PlanPart, Step } from './plan.ts'
import { cutIntoParts } from './plan-parts.ts'
import { checkSteps } from './step-check.ts'
import { nameSteps } from './step-names.ts'
import { checkTopics } from './topic-check.ts'

export interface PlanOptions {
  /** The pipeline's name: state and offsets belong to it. */
  readonly name: string
  /**
   * Whether several tasks share the work, so that records change partitions where their key
   * changes.
   */
  readonly repartition: boolean
}

/**
 * Checks pipelines that run as one and orders their steps. Does no I/O; the same pipelines give the
 * same plan.
 * @returns one part `main`; with `repartition` also one for each group of steps behind repartition
 * topics
 * @throws `invalid-plan`, naming the step · `invalid-argument` for a name that no pipeline can have
 * @example
 * planText(buildPlan(from(words).print(), { name: 'words', repartition: false }))
 */
export function buildPlan(
  pipelines: Pipeline | readonly Pipeline[],
  { name, repartition }: PlanOptions,
): Plan {
  checkPipelineName(name)
  const list = pipelinesOf(pipelines)
  checkNames(list)
  const sinks = new Set(list.flatMap((pipeline) => pipeline.sinks))
  const steps = nameOutboxes(name, nameSteps(orderNodes([...sinks])))
  checkSteps(steps)
  checkTopics(steps)
  return { name, parts: repartition ? cutIntoParts(name, steps) : [wholePart(steps)] }
}

function wholePart(steps: readonly Step[]): PlanPart {
  return { name: 'main', steps, repartitions: [], reads: [] }
}

function checkNames(pipelines: readonly Pipeline[]): void {
  const names = new Set<string>()
  for (const { name } of pipelines) {
    if (name === null) continue
    if (names.has(name)) {
      throw new MillraceError('invalid-plan', `two pipelines are named '${name}'`, {
        at: { pipeline: name },
        hint: 'give each its own name: offsets and state belong to it',
      })
    }
    names.add(name)
  }
}
