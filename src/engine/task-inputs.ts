/** The inputs of a task: what each partition is read as. */
import type { Session, TopicPartition } from '../log/log.ts'
import type { SourceNode, TopicSpec } from '../pipeline/node.ts'
import type { Cursor, CursorDuties } from './cursor.ts'
import { TopicCursor } from './cursor.ts'
import type { Push } from './operators/operator.ts'
import { RepartitionCursor } from './repartition-cursor.ts'
import type { InputClock, InputClockSpec } from './watermark.ts'

/** One input partition of a task. */
export type TaskInput =
  | {
      readonly kind: 'topic'
      readonly step: string
      readonly place: TopicPartition
      readonly spec: TopicSpec
      readonly clock: InputClockSpec
      /** As in `TopicCursorOptions`. */
      readonly partitionedBy: number | null
      readonly scope: SourceNode['scope']
    }
  | {
      readonly kind: 'repartition'
      readonly step: string
      readonly place: TopicPartition
      readonly upstreamTasks: number
      readonly clock: InputClockSpec
    }

export interface CursorOptions {
  readonly input: number
  readonly session: Session
  readonly clock: InputClock
  readonly entry: Push
  readonly homeTopic: string
  readonly duties: CursorDuties
  /** The topic is read as a table. */
  readonly isTable: boolean
  readonly onMark: (clock: InputClock) => void
}

/** @returns whether it is read before all others, and outside of event time */
export function isGlobal(input: TaskInput | undefined): boolean {
  return input?.kind === 'topic' && input.scope === 'global'
}

export function openCursor(taskInput: TaskInput, options: CursorOptions): Cursor {
  const { place, step } = taskInput
  if (taskInput.kind === 'topic') {
    const { spec, partitionedBy } = taskInput
    return new TopicCursor({
      ...options,
      place,
      step,
      spec,
      partitionedBy,
      isGlobal: isGlobal(taskInput),
      isTable: isGlobal(taskInput) || options.isTable,
    })
  }
  return new RepartitionCursor({ ...options, place, step, upstreamTasks: taskInput.upstreamTasks })
}
