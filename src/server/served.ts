/** What the server shows and feeds: a log, and the pipelines of the process, where it runs any. */
import type { Clock } from '../core/clock.ts'
import type { DeliveryStatus } from '../connect/delivery/deliver.ts'
import type { SourceStatus } from '../connect/source-runner.ts'
import type { TaskStatus } from '../engine/task-status.ts'
import type { TaskStepFigures } from '../engine/plan-steps.ts'
import type { TaskTime } from '../engine/run.ts'
import type { StepLook } from '../engine/step-status.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../pipeline/plan.ts'

/** The running pipelines of this process. */
export interface ServedRun {
  status(): TaskStatus[]
  explain(): TaskTime[]
  plans(): Plan[]
  /** Empty where steps are not counted. */
  steps(): TaskStepFigures[]
  lookAt(pipeline: string, step: string): (StepLook & { readonly task: string })[]
  lookAway(pipeline: string, step: string): void
  /** Empty until the first have started. */
  sources(): SourceStatus<unknown>[]
  deliveries(): DeliveryStatus[]
  /** What it waits for, a line each; empty: nothing. */
  waitsFor(): string[]
}

export interface Served {
  readonly log: Log
  readonly clock: Clock
  /** Of Millrace. */
  readonly version: string
  /** Of the pipelines that this process runs or is about to; empty: it runs none. */
  readonly plans: readonly Plan[]
  /** null: they are being started, or there are none. */
  run(): ServedRun | null
  /** Told what the server itself has failed at. */
  readonly onFault: (thrown: unknown) => void
}
