/** Figures of steps, all tasks of a pipeline together. */
import type { TaskStepFigures } from '../engine/plan-steps.ts'
import type { SeenRecord } from '../engine/step-figures.ts'
import type { StepLook, StepStatus } from '../engine/step-status.ts'
import { encodeKey } from '../core/key.ts'

export interface EdgeJson {
  readonly pipeline: string
  /** '' where records enter. */
  readonly from: string
  readonly to: string
  readonly records: number
}

/** Of a value that is shown. */
const valueMax = 2_000

export function edgesOf(tasks: readonly TaskStepFigures[]): EdgeJson[] {
  const edges = new Map<string, EdgeJson>()
  for (const { pipeline, edges: list } of tasks) {
    for (const { from, to, records } of list) {
      const name = JSON.stringify([pipeline, from, to])
      const sum = (edges.get(name)?.records ?? 0) + records
      edges.set(name, { pipeline, from, to, records: sum })
    }
  }
  return [...edges.values()]
}

export interface StepJson extends Omit<StepStatus, 'step'> {
  readonly pipeline: string
  readonly step: string
  readonly recordsOut: number
}

export function stepsJson(tasks: readonly TaskStepFigures[]): StepJson[] {
  const steps = new Map<string, StepJson>()
  for (const { pipeline, steps: list } of tasks) {
    for (const one of list) {
      const name = JSON.stringify([pipeline, one.step])
      const before = steps.get(name)
      steps.set(name, before === undefined ? { pipeline, recordsOut: 0, ...one } : sum(before, one))
    }
  }
  const edges = edgesOf(tasks)
  return [...steps.values()].map((step) => ({ ...step, recordsOut: givenBy(step, edges) }))
}

/** What goes to several readers was given once. */
function givenBy({ pipeline, step }: StepJson, edges: readonly EdgeJson[]): number {
  return edges.reduce((most, edge) => {
    return edge.pipeline === pipeline && edge.from === step ? Math.max(most, edge.records) : most
  }, 0)
}

function sum(a: StepJson, b: StepStatus): StepJson {
  return {
    ...a,
    recordsIn: a.recordsIn + b.recordsIn,
    late: a.late + b.late,
    dead: a.dead + b.dead,
    stateEntries: a.stateEntries + b.stateEntries,
    ownNsP50: larger(a.ownNsP50, b.ownNsP50),
    ownNsP99: larger(a.ownNsP99, b.ownNsP99),
  }
}

/** Of two tasks the slower one is told. */
function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

export function lookJson(looks: readonly (StepLook & { readonly task: string })[]): object[] {
  return looks.map(({ task, last, open }) => ({
    task,
    taken: last.taken.map(seenJson),
    given: last.given.map(seenJson),
    open,
  }))
}

function seenJson({ value, key, timeMs }: SeenRecord): object {
  const keyText = key === null ? null : encodeKey(key)
  return { time: timeMs, key: keyText?.slice(0, valueMax) ?? null, value: textOf(value) }
}

/** What a step holds may be anything: what is no JSON is shown as its kind. */
function textOf(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
  } catch {
    text = undefined // a circle, or a toJSON that throws
  }
  const shown = text ?? (value === undefined ? 'undefined' : `(${typeof value})`)
  return shown.length > valueMax ? `${shown.slice(0, valueMax)}…` : shown
}
