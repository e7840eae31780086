/**
 * Cuts a plan for several tasks. Behind a keyBy whose records reach a step with state, they go
 * through a repartition topic, so that all records of one key meet in one task (as Kafka Streams
 * does it).
 *
 * What follows such a topic is a part of its own. A stateless step that gets records of several
 * parts (a merge, and what follows it) runs in each of them, on that part's records only: nothing
 * moves for its sake. A step with state is in one part: the parts that feed it are joined into one.
 *
 * The inputs of a join pass a step `same-key` each. Where one side comes straight from topics and
 * the other through a repartition topic, the first goes through one as well, so that both meet.
 *
 * A global source is in each part that joins with it.
 */
import { MillraceError } from '../core/error.ts'
import type { Node } from './node.ts'
import type { PlanPart, Step } from './plan.ts'
import { isGrouping, isRekeying } from './step-check.ts'

const mainPart = 'main'

/**
 * @param steps in topological order
 * @returns parts, each behind those it reads from
 * @throws `invalid-plan` where streams that meet in a step with state are keyed in different ways
 */
export function cutIntoParts(pipeline: string, steps: readonly Step[]): PlanPart[] {
  const moved = new Set<string>()
  let places = placeSteps(steps, findCuts(steps, moved))
  while (places.sidesToMove.length > 0) {
    for (const side of places.sidesToMove) moved.add(side)
    places = placeSteps(steps, findCuts(steps, moved))
  }
  const names = partNames(steps, places)
  const drafts = names.map((name) => draftPart(pipeline, name, steps, places))
  return inOrder(drafts, places.joinedBy)
}

/**
 * The steps that give another key whose records reach a step with state before the next of them,
 * and the sides of joins that have to move.
 */
function findCuts(steps: readonly Step[], forced: ReadonlySet<string>): ReadonlySet<string> {
  const feeding = new Set<string>()
  const cuts = new Set<string>()
  for (const { name, node, inputs } of steps.toReversed()) {
    if (isRekeying(node) || forced.has(name)) {
      if (feeding.has(name)) cuts.add(name)
    } else if (isGrouping(node) || feeding.has(name)) for (const input of inputs) feeding.add(input)
    if (isGrouping(node)) feeding.delete(name)
  }
  return cuts
}

/** Where each step runs. A part is known by one of its cuts until all are joined. */
interface Places {
  readonly cuts: ReadonlySet<string>
  /** Parts that a step runs in. */
  partsOf(step: string): ReadonlySet<string>
  /** The part that gets what a step gives, where it is a cut: one; else as `partsOf`. */
  outputPartsOf(step: string): ReadonlySet<string>
  /** The part that two became, and the step with state that joined them. */
  readonly joinedBy: ReadonlyMap<string, string>
  /**
   * Sides of joins whose other side is in another part, and that did not come through a repartition
   * topic just now: they must.
   */
  readonly sidesToMove: readonly string[]
}

function placeSteps(steps: readonly Step[], cuts: ReadonlySet<string>): Places {
  const parent = new Map<string, string>()
  const joinedBy = new Map<string, string>()
  const placed = new Map<string, readonly string[]>()
  const root = (part: string): string => {
    const up = parent.get(part)
    return up === undefined ? part : root(up)
  }
  const rootsOf = (parts: readonly string[]): Set<string> => new Set(parts.map(root))
  const outputs = (step: string): readonly string[] =>
    cuts.has(step) ? [step] : (placed.get(step) ?? [])
  /** Whether records of a part have come through another one. */
  const comesFrom = (part: string, other: string): boolean =>
    [...cuts].some((cut) => {
      if (root(cut) !== root(part)) return false
      const fed = rootsOf(placed.get(cut) ?? [])
      return fed.has(root(other)) || [...fed].some((each) => comesFrom(each, other))
    })
  const nodes = new Map(steps.map((step) => [step.name, step.node]))
  const settled = settledSteps(steps, cuts)
  const sidesToMove: string[] = []
  for (const { name, node, inputs } of steps) {
    const parts = isGlobal(node)
      ? []
      : node.kind === 'source'
        ? [mainPart]
        : [...rootsOf(inputs.flatMap(outputs))]
    placed.set(name, parts)
    const [first = mainPart, ...others] = parts
    if (!isGrouping(node) || others.length === 0) continue
    // A part cannot read what it writes: a side that the other one comes from moves, too.
    const before = (side: string): boolean =>
      outputs(side).some((part) => parts.some((other) => other !== part && comesFrom(other, part)))
    const late = inputs.filter(
      (input) => isSameKey(nodes.get(input)) && (!settled.has(input) || before(input)),
    )
    sidesToMove.push(...late)
    // Where the steps behind it run shows when its sides have moved.
    if (late.length > 0) break
    if (parts.includes(mainPart)) throw keyedDifferently(name)
    for (const other of others) parent.set(other, first)
    joinedBy.set(first, name)
  }
  for (const { name, inputs } of steps) {
    for (const input of inputs) {
      if (!isGlobal(nodes.get(input))) continue
      placed.set(input, [...(placed.get(input) ?? []), ...(placed.get(name) ?? [])])
    }
  }
  return {
    cuts,
    sidesToMove,
    partsOf: (step) => rootsOf(placed.get(step) ?? []),
    outputPartsOf: (step) => rootsOf(outputs(step)),
    joinedBy,
  }
}

/** Steps whose records have come through a repartition topic, and no step with state since. */
function settledSteps(steps: readonly Step[], cuts: ReadonlySet<string>): ReadonlySet<string> {
  const settled = new Set<string>()
  for (const { name, node, inputs } of steps) {
    if (cuts.has(name)) settled.add(name)
    else if (isGrouping(node) || inputs.length === 0) continue
    else if (inputs.every((input) => settled.has(input))) settled.add(name)
  }
  return settled
}

function isSameKey(node: Node | undefined): boolean {
  return node?.kind === 'step' && node.spec.kind === 'same-key'
}

function isGlobal(node: Node | undefined): boolean {
  return node?.kind === 'source' && node.scope === 'global'
}

/** In the order of the steps; each a root of `places`, which for a joined part is its first cut. */
function partNames(steps: readonly Step[], places: Places): string[] {
  return [...new Set(steps.flatMap(({ name }) => [...places.partsOf(name)]))]
}

interface Draft extends PlanPart {
  readonly readsFrom: ReadonlySet<string>
}

function draftPart(pipeline: string, name: string, steps: readonly Step[], places: Places): Draft {
  const own: Step[] = []
  const repartitions: { step: string; topic: string }[] = []
  const reads: { step: string; topic: string }[] = []
  const readsFrom = new Set<string>()
  for (const step of steps) {
    const partsOfStep = places.partsOf(step.name)
    const isCut = places.cuts.has(step.name)
    if (partsOfStep.has(name)) {
      const inputs = step.inputs.filter((input) => places.outputPartsOf(input).has(name))
      own.push({ ...step, inputs })
      if (isCut)
        repartitions.push({
          step: step.name,
          topic: topicOf(pipeline, step.name, name, partsOfStep),
        })
    }
    if (!isCut || !places.outputPartsOf(step.name).has(name)) continue
    for (const part of partsOfStep) {
      reads.push({ step: step.name, topic: topicOf(pipeline, step.name, part, partsOfStep) })
      readsFrom.add(part)
    }
  }
  return { name, steps: own, repartitions, reads, readsFrom }
}

/**
 * A step that several parts run writes a topic from each: the marks of tasks in it are told apart
 * by topic.
 */
function topicOf(pipeline: string, step: string, part: string, parts: ReadonlySet<string>): string {
  const [first] = [...parts].toSorted()
  const from = part === first ? '' : `.from-${part}`
  const topic = `${pipeline}.${step}${from}.repartition`
  if (topic.length <= 249) return topic
  throw new MillraceError('invalid-plan', `'${topic}' is too long for the name of a topic`, {
    at: { pipeline, step },
    hint: 'give the step a short name with .named(…)',
  })
}

function inOrder(drafts: readonly Draft[], joinedBy: ReadonlyMap<string, string>): PlanPart[] {
  const ordered = new Map<string, PlanPart>()
  const waiting = [...drafts]
  while (waiting.length > 0) {
    const next = waiting.findIndex((draft) =>
      [...draft.readsFrom].every((part) => ordered.has(part)),
    )
    const draft = waiting[next]
    if (draft === undefined) {
      const step = waiting.map(({ name }) => joinedBy.get(name)).find((name) => name !== undefined)
      throw keyedDifferently(step ?? '')
    }
    waiting.splice(next, 1)
    const { readsFrom: _, ...part } = draft
    ordered.set(part.name, part)
  }
  return [...ordered.values()]
}

function keyedDifferently(step: string): MillraceError {
  return new MillraceError('invalid-plan', 'merged streams are not keyed in the same way', {
    at: { step },
    hint: "call .keyBy(fn) on each before .merge(…), or run all in one task (tasks: 'one')",
  })
}
