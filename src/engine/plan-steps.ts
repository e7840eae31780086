/** The figures of the steps of a plan that runs, task by task. */
import type { StepFigures } from './step-figures.ts'
import { lookAt, stepsOf } from './step-status.ts'
import type { StepLook, StepsOfTask, TaskSteps } from './step-status.ts'

export interface TaskStepFigures extends TaskSteps {
  readonly pipeline: string
  readonly task: string
}

export interface TaskLook extends StepLook {
  readonly task: string
}

export interface PlanSteps {
  /** Figures of each step, for each task; empty where steps are not counted. */
  steps(): TaskStepFigures[]
  /**
   * Looks at one step, for each task that has it: its last records from now on, and its open
   * windows. Records cost a little more until `lookAway`.
   */
  lookAt(pipeline: string, step: string): TaskLook[]
  lookAway(pipeline: string, step: string): void
}

/** A task as far as this is concerned; `figures` is null where steps are not counted. */
interface CountedTask extends Omit<StepsOfTask, 'figures'> {
  readonly name: string
  readonly figures: StepFigures | null
}

export function stepsOfPlan(plan: string, tasks: () => readonly CountedTask[]): PlanSteps {
  const counted = (): { name: string; steps: StepsOfTask }[] =>
    tasks().flatMap(({ name, figures, stateful, entries }) =>
      figures === null ? [] : [{ name, steps: { figures, stateful, entries } }],
    )
  return {
    steps: () =>
      counted().map(({ name, steps }) => ({ pipeline: plan, task: name, ...stepsOf(steps) })),
    lookAt: (pipeline, step) =>
      counted()
        .filter(({ steps }) => pipeline === plan && hasStep(steps, step))
        .map(({ name, steps }) => ({ task: name, ...lookAt(step, steps) })),
    lookAway: (pipeline, step) => {
      if (pipeline !== plan) return
      for (const { steps } of counted()) steps.figures.unwatch(step)
    },
  }
}

function hasStep({ figures }: StepsOfTask, step: string): boolean {
  return figures.edges.some(({ from, to }) => from === step || to === step)
}
