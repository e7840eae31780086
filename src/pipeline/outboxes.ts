/** The outboxes of a plan: topics between a pipeline and its sinks. */
import { MillraceError } from '../core/error.ts'
import type { Plan, Step } from './plan.ts'
import { deliveryGroup, outboxTopic } from './sink-spec.ts'
import type { SinkSpec } from './sink-spec.ts'

/** What is fed from where. */
export interface Outbox {
  readonly pipeline: string
  readonly sink: SinkSpec
  readonly topic: string
  /** Under this name the log keeps how far delivery has come. */
  readonly group: string
}

/**
 * Gives outboxes the names that they have in this pipeline.
 * @throws `invalid-plan` where two sinks have one name
 */
export function nameOutboxes(pipeline: string, steps: readonly Step[]): Step[] {
  const sinks = new Map<string, SinkSpec>()
  return steps.map((step) => {
    const { node } = step
    if (node.kind !== 'to' || node.sink === null) return step
    const { sink } = node
    const other = sinks.get(sink.name)
    if (other !== undefined && other !== sink) {
      throw new MillraceError('invalid-plan', `two sinks are named '${sink.name}'`, {
        at: { pipeline, step: step.name },
        hint: 'give each its own name, or use the same value twice: then both share one outbox',
      })
    }
    sinks.set(sink.name, sink)
    const topic = { ...node.topic, name: outboxTopic(pipeline, sink.name) }
    return { ...step, node: { ...node, topic } }
  })
}

/** Each once, in the order of the plan. */
export function outboxesOf(plan: Plan): Outbox[] {
  const outboxes = new Map<string, Outbox>()
  for (const { node } of plan.parts.flatMap((part) => part.steps)) {
    if (node.kind !== 'to' || node.sink === null) continue
    const { sink, topic } = node
    outboxes.set(topic.name, {
      pipeline: plan.name,
      sink,
      topic: topic.name,
      group: deliveryGroup(plan.name, sink.name),
    })
  }
  return [...outboxes.values()]
}
