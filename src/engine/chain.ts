/**
 * Turns the steps of a plan's part into operators wired depth-first: each step's `emit` is the next
 * steps' `push`.
 */
import { assert, unreachable } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'
import type { Node } from '../pipeline/node.ts'
import type { PlanPart, Step } from '../pipeline/plan.ts'
import type { Outputs } from './outputs.ts'
import { branchOperator } from './operators/branch.ts'
import { filterOperator } from './operators/filter.ts'
import { flatMapOperator } from './operators/flat-map.ts'
import { forEachOperator } from './operators/for-each.ts'
import { keyByOperator } from './operators/key-by.ts'
import { mapOperator } from './operators/map.ts'
import type {
  Asynchronous,
  Operator,
  Push,
  Stateful,
  StepContext,
  TaskContext,
} from './operators/operator.ts'
import { printOperator } from './operators/print.ts'
import { repartitionOperator } from './operators/repartition.ts'
import { runningFoldOperator } from './operators/running-fold.ts'
import { toOperator } from './operators/to.ts'
import { windowFoldOperator } from './operators/window-fold.ts'
import { stepOperator } from './operators/step-operator.ts'
import type { Probe } from './probe.ts'
import { isTable, looksAt } from './table-readers.ts'
import type { Tap } from './task-options.ts'
import type { StateSet } from './state/state-set.ts'
import type { StepFigures } from './step-figures.ts'
import type { TimeDomain, TimeDomains } from './time-domains.ts'

export interface Chain {
  /** Asynchronous operators, each after those it reads from. */
  readonly asynchronous: readonly Asynchronous[]
  /** Operators with memory or timers, each after those it reads from. */
  readonly stateful: readonly StatefulStep[]
  /** Event time as it is behind a step. */
  timeBehind(step: string): TimeDomain
  /**
   * Where records enter, by the name of the source step or of the step read from a repartition
   * topic.
   */
  readonly entries: ReadonlyMap<string, Push>
}

/** A step with memory or timers, and event time as it sees it. */
export interface StatefulStep {
  readonly step: string
  readonly operator: Stateful
  readonly time: TimeDomain
}

export interface ChainOptions {
  readonly part: PlanPart
  readonly task: TaskContext
  readonly state: StateSet
  readonly outputs: Outputs
  readonly domains: TimeDomains
  /** Input partition of the record in hand. */
  readonly originPartition: () => number
  readonly tap?: Tap
  readonly probe?: Probe
  readonly figures?: StepFigures
}

export function buildChain(options: ChainOptions): Chain {
  const { part, domains } = options
  const reads = new Set(part.reads.map((read) => read.step))
  const wiring: Wiring = {
    built: new Map(),
    consumers: consumersOf(part.steps, [...part.steps.map(({ name }) => name), ...reads]),
    times: timesOf(part.steps, reads, domains),
    figures: options.figures ?? null,
  }
  const asynchronous: Asynchronous[] = []
  const stateful: StatefulStep[] = []
  // Backwards: what a step emits to must be there first.
  for (const step of [...part.steps].reverse()) {
    if (reads.has(step.name)) continue
    const operator = buildStep(step, wiring, options)
    wiring.built.set(step.name, operator)
    const { inside, behind } = wiring.times.get(step.name) as StepTime
    if (operator.stateful !== null) {
      inside.stateful.unshift(operator.stateful)
      stateful.unshift({ step: step.name, operator: operator.stateful, time: inside })
    }
    if (operator.asynchronous === null) continue
    behind.asynchronous = operator.asynchronous
    asynchronous.unshift(operator.asynchronous)
  }
  const entries = new Map<string, Push>()
  for (const step of part.steps) {
    const push = wiring.built.get(step.name)?.push
    if (step.node.kind === 'source' && push !== undefined) entries.set(step.name, push)
  }
  for (const name of reads) entries.set(name, fanOut(targetsOf(name, wiring)))
  const { figures } = wiring
  if (figures !== null) {
    for (const [name, push] of entries) entries.set(name, figures.entry(name, push))
  }
  if (options.probe !== undefined) watch(options.probe, stateful, domains)
  const timeBehind = (step: string): TimeDomain => (wiring.times.get(step) as StepTime).behind
  return { entries, asynchronous, stateful, timeBehind }
}

function watch(probe: Probe, stateful: readonly StatefulStep[], domains: TimeDomains): void {
  probe.built(stateful, domains.root)
  domains.beforeAdvance = (watermarkMs) => probe.advances(watermarkMs)
}

/** Event time as a step sees it, and as those behind it do. */
interface StepTime {
  readonly inside: TimeDomain
  readonly behind: TimeDomain
}

interface Wiring {
  readonly built: Map<string, Operator>
  /** Of each step, those that read from it, and as which input. */
  readonly consumers: ReadonlyMap<string, readonly Consumer[]>
  readonly times: ReadonlyMap<string, StepTime>
  readonly figures: StepFigures | null
}

interface Consumer {
  readonly step: Step
  readonly input: number
}

function timesOf(
  steps: readonly Step[],
  reads: ReadonlySet<string>,
  domains: TimeDomains,
): Map<string, StepTime> {
  const { root } = domains
  const times = new Map<string, StepTime>()
  for (const name of reads) times.set(name, { inside: root, behind: root })
  for (const { name, node, inputs } of steps) {
    if (reads.has(name)) continue
    const before = new Set(inputs.map((input) => times.get(input)?.behind ?? root))
    const [only = root, ...others] = before
    const inside = others.length === 0 ? only : domains.behind([...before], 0)
    const traits = node.kind === 'step' ? node.traits : null
    const begins = traits !== null && (traits.delayMs > 0 || traits.asynchronous)
    const behind = begins ? domains.behind([inside], traits.delayMs) : inside
    times.set(name, { inside, behind })
  }
  return times
}

function buildStep(step: Step, wiring: Wiring, options: ChainOptions): Operator {
  const { name, node } = step
  const context = contextOf(step, wiring, options)
  const targets = targetsOf(name, wiring)
  const { tap } = options
  if (tap !== undefined) targets.unshift((value, key, time) => tap(name, value, key, time))
  for (const { topic } of options.part.repartitions.filter((each) => each.step === name)) {
    targets.push(repartitionOperator(topic, context, options.outputs).push)
  }
  const named = (output: string): Push => fanOut(targetsOf(name, wiring, output))
  if (node.kind === 'branch') {
    const outputs = [...node.cases.map((each) => each.name), 'rest'].map(named)
    return branchOperator(node, context, outputs)
  }
  if (node.kind === 'step')
    return stepOperator(node.spec, context, { main: fanOut(targets), named })
  if (node.kind === 'source') {
    const push = sourcePush(fanOut(targets), wiring.consumers.get(name) ?? [], wiring)
    return { push, second: null, stateful: null, asynchronous: null }
  }
  return buildOperator(node, context, fanOut(targets), options)
}

/** What deletes a row of a topic that is read as a table is no record of streams from it. */
function sourcePush(all: Push, readers: readonly Consumer[], { built }: Wiring): Push {
  const tables = readers.filter(({ step }) => isTable(step.node))
  if (tables.length === 0 || tables.length === readers.length) return all
  const rows = fanOut(tables.map(({ step }) => (built.get(step.name) as Operator).push))
  return (value, key, time) => {
    if (value === null || value === undefined) rows(value, key, time)
    else all(value, key, time)
  }
}

/** Where a step emits to: what reads its main output, or the one of that name. */
function targetsOf(name: string, wiring: Wiring, output?: string): Push[] {
  const { built, consumers, figures } = wiring
  const targets: Push[] = []
  for (const { step, input } of consumers.get(name) ?? []) {
    const { node } = step
    const isNamed = node.kind === 'branch-output' || node.kind === 'output'
    if (isNamed ? node.output !== output : output !== undefined) continue
    const operator = built.get(step.name)
    assert(operator !== undefined, () => `step ${step.name} comes before one of its inputs`)
    const push = input === 1 && operator.second !== null ? operator.second : operator.push
    targets.push(figures === null ? push : figures.edge(name, step.name, push))
  }
  return targets
}

function buildOperator(
  node: Node,
  context: StepContext,
  emit: Push,
  options: ChainOptions,
): Operator {
  switch (node.kind) {
    case 'merge':
    case 'branch-output':
    case 'output':
      return { push: emit, second: null, stateful: null, asynchronous: null }
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
      return toOperator(node, context, options.outputs)
    case 'source':
    case 'branch':
    case 'step': // built with all their outputs
      throw new MillraceError('assertion-failed', `a ${node.kind} step has several outputs`)
    default:
      return unreachable(node)
  }
}

function contextOf(step: Step, wiring: Wiring, options: ChainOptions): StepContext {
  const { name } = step
  const { task, state, originPartition } = options
  const looks = looksAt(name, {
    of: (reader) => (wiring.consumers.get(reader) ?? []).map((consumer) => consumer.step),
    leaves: (reader) => options.part.repartitions.some((each) => each.step === reader),
  })
  return {
    step: name,
    task,
    time: (wiring.times.get(name) as StepTime).inside,
    originPartition,
    wantsBefore: looks === 'before',
    store: ({ part, toState, fromState }) =>
      state.store({ name: part === undefined ? name : `${name}/${part}`, toState, fromState }),
  }
}

function consumersOf(steps: readonly Step[], names: readonly string[]): Map<string, Consumer[]> {
  const consumers = new Map<string, Consumer[]>(names.map((name) => [name, []]))
  for (const step of steps) {
    for (const [input, name] of step.inputs.entries()) {
      const list = consumers.get(name)
      assert(list !== undefined, () => `step ${step.name} reads ${name}, which is not in its part`)
      list.push({ step, input })
    }
  }
  return consumers
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
