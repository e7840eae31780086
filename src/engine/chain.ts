/**
 * Turns the steps of a plan's part into operators wired depth-first: each step's `emit` is the next
 * steps' `push`.
 */
import { assert, unreachable } from '../core/assert.ts'
import type { Node } from '../pipeline/node.ts'
import type { PlanPart, Step } from '../pipeline/plan.ts'
import type { Outputs } from './outputs.ts'
import { branchOperator } from './operators/branch.ts'
import { filterOperator } from './operators/filter.ts'
import { flatMapOperator } from './operators/flat-map.ts'
import { forEachOperator } from './operators/for-each.ts'
import { keyByOperator } from './operators/key-by.ts'
import { mapOperator } from './operators/map.ts'
import type { Operator, Push, Stateful, StepContext, TaskContext } from './operators/operator.ts'
import { printOperator } from './operators/print.ts'
import { repartitionOperator } from './operators/repartition.ts'
import { runningFoldOperator } from './operators/running-fold.ts'
import { toOperator } from './operators/to.ts'
import { windowFoldOperator } from './operators/window-fold.ts'
import type { StateSet } from './state/state-set.ts'

export interface Chain {
  /**
   * Where records enter, by the name of the source step or of the step read from a repartition
   * topic.
   */
  readonly entries: ReadonlyMap<string, Push>
  /** Operators with memory or timers, each after those it reads from. */
  readonly stateful: readonly Stateful[]
}

export interface ChainOptions {
  readonly part: PlanPart
  readonly task: TaskContext
  readonly state: StateSet
  readonly outputs: Outputs
  /** Input partition of the record in hand. */
  readonly originPartition: () => number
}

export function buildChain(options: ChainOptions): Chain {
  const { part } = options
  const built = new Map<string, Operator>()
  const reads = new Set(part.reads.map((read) => read.step))
  const names = [...part.steps.map((step) => step.name), ...reads]
  const consumers = consumersOf(part.steps, names)
  const stateful: Stateful[] = []
  const pushesOf = (steps: readonly Step[]): Push[] =>
    steps.map((step) => {
      const operator = built.get(step.name)
      assert(operator !== undefined, () => `step ${step.name} comes before one of its inputs`)
      return operator.push
    })
  // Backwards: what a step emits to must be there first.
  for (const step of [...part.steps].reverse()) {
    if (reads.has(step.name)) continue
    const next = consumers.get(step.name) ?? []
    const targets = pushesOf(next)
    for (const { topic } of part.repartitions.filter((each) => each.step === step.name)) {
      targets.push(repartitionOperator(topic, contextOf(step.name, options), options.outputs).push)
    }
    const operator =
      step.node.kind === 'branch'
        ? branchOperator(
            step.node,
            contextOf(step.name, options),
            branchOutputs(step.node, next, pushesOf),
          )
        : buildOperator(step.node, contextOf(step.name, options), fanOut(targets), options)
    built.set(step.name, operator)
    if (operator.stateful !== null) stateful.unshift(operator.stateful)
  }
  const entries = new Map<string, Push>()
  for (const step of part.steps) {
    const push = built.get(step.name)?.push
    if (step.node.kind === 'source' && push !== undefined) entries.set(step.name, push)
  }
  for (const name of reads) entries.set(name, fanOut(pushesOf(consumers.get(name) ?? [])))
  return { entries, stateful }
}

function buildOperator(
  node: Node,
  context: StepContext,
  emit: Push,
  options: ChainOptions,
): Operator {
  switch (node.kind) {
    case 'source':
    case 'merge':
    case 'branch-output':
      return { push: emit, stateful: null }
    case 'map':
      return mapOperator(node, context, emit)
    case 'filter':
      return filterOperator(node, context, emit)
    case 'flatMap':
      return flatMapOperator(node, context, emit)
    case 'keyBy':
      return keyByOperator(node, context, emit)
    case 'aggregate':
    case 'reduce':
      return node.window === null
        ? runningFoldOperator(node, context, emit)
        : windowFoldOperator({ ...node, window: node.window }, context, emit)
    case 'print':
      return printOperator(node, context)
    case 'forEach':
      return forEachOperator(node, context)
    case 'to':
      return toOperator(node, context, options.outputs, options.originPartition)
    case 'branch':
      return branchOperator(node, context, [emit])
    default:
      return unreachable(node)
  }
}

function contextOf(step: string, { task, state }: ChainOptions): StepContext {
  return {
    step,
    task,
    store: ({ part, toState, fromState }) =>
      state.store({ name: part === undefined ? step : `${step}/${part}`, toState, fromState }),
  }
}

function consumersOf(steps: readonly Step[], names: readonly string[]): Map<string, Step[]> {
  const consumers = new Map<string, Step[]>(names.map((name) => [name, []]))
  for (const step of steps) {
    for (const input of step.inputs) {
      const list = consumers.get(input)
      assert(list !== undefined, () => `step ${step.name} reads ${input}, which is not in its part`)
      list.push(step)
    }
  }
  return consumers
}

/** One push for each case, in order, then one for `rest`. */
function branchOutputs(
  node: Extract<Node, { kind: 'branch' }>,
  consumers: readonly Step[],
  pushesOf: (steps: readonly Step[]) => Push[],
): Push[] {
  const names = [...node.cases.map((each) => each.name), 'rest']
  return names.map((name) =>
    fanOut(
      pushesOf(
        consumers.filter(({ node: each }) => each.kind === 'branch-output' && each.output === name),
      ),
    ),
  )
}

function fanOut(targets: readonly Push[]): Push {
  const [first, second, ...rest] = targets
  if (first === undefined) return () => {}
  if (second === undefined) return first
  if (rest.length === 0) {
    return (value, key, time) => {
      first(value, key, time)
      second(value, key, time)
    }
  }
  return (value, key, time) => {
    for (const push of targets) push(value, key, time)
  }
}
