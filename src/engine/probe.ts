/** Looks into a task for people who test. Without one, nothing of it is asked for. */
import type { Stateful } from './operators/operator.ts'

/** A step with memory or timers. */
export interface ProbedStep {
  readonly step: string
  readonly operator: Stateful
  /** Event time as the step sees it. */
  readonly time: { readonly watermarkMs: number }
}

export interface Probe {
  /**
   * Called once, while the task is built.
   * @param root event time of the task itself: the `time` of steps that do not lag behind it
   */
  built(steps: readonly ProbedStep[], root: ProbedStep['time']): void
  /** Event time of the task is about to move: what is due by that has not happened yet. */
  advances(watermarkMs: number): void
}
