/** Figures of a task's steps, for people: what `StepFigures` counted, and what the steps keep. */
import type { StatefulStep } from './chain.ts'
import type { EdgeFigures, LastRecords, StepFigures } from './step-figures.ts'

export interface StepStatus {
  readonly step: string
  readonly recordsIn: number
  readonly late: number
  readonly dead: number
  /** Time that a record takes in the step itself, sampled, ns; null: not known yet. */
  readonly ownNsP50: number | null
  readonly ownNsP99: number | null
  /** Entries in its stores. */
  readonly stateEntries: number
}

export interface TaskSteps {
  readonly steps: readonly StepStatus[]
  readonly edges: readonly Readonly<EdgeFigures>[]
}

/** What is only gathered of a step that somebody looks at. */
export interface StepLook {
  readonly last: LastRecords
  /** null: the step has none, does not tell, or has too many to go through. */
  readonly open: OpenWindows | null
}

export interface OpenWindows {
  readonly count: number
  readonly firstStartMs: number | null
  readonly nextDueMs: number | null
}

/** With more entries of state, open windows are not counted: that looks at each. */
const lookedAtMax = 100_000

export interface StepsOfTask {
  readonly figures: StepFigures
  readonly stateful: readonly StatefulStep[]
  /** Store → entries; a store is named after its step, `step/part` where it has several. */
  readonly entries: ReadonlyMap<string, number>
}

export function stepsOf({ figures, entries }: StepsOfTask): TaskSteps {
  const taken = new Map<string, number>()
  // Steps are wired from the last to the first.
  for (const { to, records } of figures.edges.toReversed())
    taken.set(to, (taken.get(to) ?? 0) + records)
  const steps = [...taken].map(([step, recordsIn]): StepStatus => {
    const times = figures.timesOf(step)
    return {
      step,
      recordsIn,
      late: figures.late.get(step) ?? 0,
      dead: figures.dead.get(step) ?? 0,
      ownNsP50: times?.p50Ns ?? null,
      ownNsP99: times?.p99Ns ?? null,
      stateEntries: entriesOf(step, entries),
    }
  })
  return { steps, edges: figures.edges.map((edge) => ({ ...edge })) }
}

export function lookAt(step: string, task: StepsOfTask): StepLook {
  return { last: task.figures.watch(step), open: openWindows(step, task) }
}

function openWindows(step: string, { stateful, entries }: StepsOfTask): OpenWindows | null {
  const found = stateful.find((one) => one.step === step)
  if (found === undefined || entriesOf(step, entries) > lookedAtMax) return null
  const upcoming = found.operator.upcoming?.() ?? null
  const windows = upcoming?.filter(({ kind }) => kind === 'window') ?? null
  if (windows === null) return null
  const least = (values: readonly number[]): number | null => {
    const value = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    return Number.isFinite(value) ? value : null
  }
  return {
    count: windows.length,
    firstStartMs: least(windows.map(({ startMs }) => startMs)),
    nextDueMs: least(windows.map(({ dueMs }) => dueMs)),
  }
}

function entriesOf(step: string, entries: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const [store, count] of entries) {
    if (store === step || store.startsWith(`${step}/`)) sum += count
  }
  return sum
}
