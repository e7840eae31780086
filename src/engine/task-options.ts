/** What a task is made of, and what it counts. */
import type { Key } from '../core/key.ts'
import type { Session } from '../log/log.ts'
import type { PlanPart } from '../pipeline/plan.ts'
import type { Outside } from './operators/operator.ts'
import type { OutputTopic } from './outputs.ts'
import type { Probe } from './probe.ts'
import type { StepFigures } from './step-figures.ts'
import type { TaskInput } from './task-inputs.ts'

export interface TaskOptions {
  readonly name: string
  /** Number of the task among those of its part: its name in repartition marks. */
  readonly index: number
  readonly part: PlanPart
  readonly session: Session
  /** One for each of the session's inputs. */
  readonly inputs: readonly TaskInput[]
  /** For asynchronous steps. */
  readonly outside: Outside
  /** Every topic that this task may append to. */
  readonly outputTopics: readonly OutputTopic[]
  /** Topic under whose name letters go that belong to no input record. */
  readonly homeTopic: string
  readonly nowMs: number
  readonly print: (text: string) => void
  readonly tap?: Tap
  readonly probe?: Probe
  /** Where each step is to be counted. */
  readonly figures?: StepFigures
}

/**
 * Told each record that a step gives, before those behind it take it; what is undone later too.
 * For finding the step whose results differ from run to run.
 */
export type Tap = (step: string, value: unknown, key: Key | null, timeMs: number) => void

/** What a task has done since it was opened. Plain counters, read by whoever wants to show them. */
export interface TaskCounters {
  /** Records read, those that could not be decoded included. */
  recordsIn: number
  /** Records appended, letters and marks included. */
  recordsOut: number
  late: number
  dead: number
  commits: number
}
