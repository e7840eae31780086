/**
 * Cuts a plan's steps into parts: behind each keyBy that a step with state depends on, records go through a repartition topic, so that all
 * records of one key meet in one task (as Kafka Streams does). What is still connected then is a part.
 */
import { MillraceError } from '../core/error.ts'
import type { PlanPart, Step } from './plan.ts'

export function cutIntoParts(pipeline: string, steps: readonly Step[]): PlanPart[] {
  const byName = new Map(steps.map((step) => [step.name, step]))
  const cuts = new Set(steps.filter((step) => step.node.kind === 'keyBy' && feedsState(step, steps)).map((step) => step.name))
  const topicOf = (step: string): string => `${pipeline}.${step}.repartition`
  const groups = connected(steps, cuts)
  const parts = [...groups.values()].map((names): PlanPart => {
    const own = steps.filter((step) => names.has(step.name))
    const readNames = new Set(own.flatMap((step) => step.inputs.filter((input) => cuts.has(input))))
    const reads = [...readNames].map((step) => ({ step, topic: topicOf(step) }))
    const repartitions = own.filter((step) => cuts.has(step.name)).map(({ name: step }) => ({ step, topic: topicOf(step) }))
    const itself = reads.find(({ step }) => names.has(step))
    if (itself !== undefined) throw readsItself(itself.step)
    return { name: own[0]?.name ?? 'main', steps: own, repartitions, reads }
  })
  for (const name of cuts) if (!byName.has(name)) throw readsItself(name)
  const ordered = inOrder(parts)
  return ordered.length === 1 ? ordered.map((part) => ({ ...part, name: 'main' })) : ordered.map(named)
}

/** A part that reads a repartition topic is named after the step that writes it, another after its source. */
function named(part: PlanPart): PlanPart {
  return { ...part, name: part.reads[0]?.step ?? part.name }
}

function readsItself(step: string): MillraceError {
  return new MillraceError('invalid-plan', 'a stream is merged with itself under another key', {
    at: { step },
    hint: "write to a topic and read that in another pipeline, or run all in one task (tasks: 'one')",
  })
}

/** Whether records of a keyBy reach a step with state before the next keyBy. */
function feedsState(keyBy: Step, steps: readonly Step[]): boolean {
  const reached = new Set([keyBy.name])
  for (const step of steps) {
    if (!step.inputs.some((input) => reached.has(input))) continue
    if (step.node.kind === 'aggregate' || step.node.kind === 'reduce') return true
    if (step.node.kind !== 'keyBy') reached.add(step.name)
  }
  return false
}

/** Groups of steps that hang together when the outputs of `cuts` are taken away; in the order of their first step. */
function connected(steps: readonly Step[], cuts: ReadonlySet<string>): Map<string, Set<string>> {
  const parent = new Map<string, string>(steps.map((step) => [step.name, step.name]))
  // Those that read one repartition topic belong together: they share its offsets.
  const readerOf = new Map<string, string>()
  const root = (name: string): string => {
    const up = parent.get(name) ?? name
    return up === name ? name : root(up)
  }
  for (const step of steps) {
    for (const input of step.inputs) {
      const other = cuts.has(input) ? (readerOf.get(input) ?? step.name) : input
      if (cuts.has(input)) readerOf.set(input, other)
      parent.set(root(step.name), root(other))
    }
  }
  const groups = new Map<string, Set<string>>()
  for (const { name } of steps) {
    const group = root(name)
    groups.set(group, (groups.get(group) ?? new Set()).add(name))
  }
  return groups
}

/** Parts after those they read from. */
function inOrder(parts: readonly PlanPart[]): PlanPart[] {
  const left = [...parts]
  const ordered: PlanPart[] = []
  const written = new Set<string>()
  while (left.length > 0) {
    const next = left.findIndex((part) => part.reads.every(({ topic }) => written.has(topic)))
    const part = left[next]
    if (part === undefined) throw readsItself(left[0]?.reads[0]?.step ?? '')
    left.splice(next, 1)
    ordered.push(part)
    for (const { topic } of part.repartitions) written.add(topic)
  }
  return ordered
}
