/** What a task is doing, for people and tests. */
import { entryCount } from './state/entry-count.ts'
import type { RestoreProgress } from './restore-task.ts'
import type { TaskLoop } from './task-loop.ts'
import type { TaskCounters } from './task-options.ts'

export interface TaskStatus {
  readonly pipeline: string
  readonly task: string
  /** `restoring`: its state is read back. `closed`: it has ended, or is to be opened again. */
  readonly state: 'restoring' | 'running' | 'closed'
  /** How far the restore has come; null: there is none under way. */
  readonly restoring: RestoreProgress | null
  /** null before the first record. */
  readonly watermarkMs: number | null
  readonly counters: Readonly<TaskCounters>
  readonly stateEntries: number
  readonly inputs: readonly {
    topic: string
    partition: number
    offset: number
    /** Records at hand that are not processed yet; 0 once the task has ended. */
    lag: number
    idle: boolean
  }[]
}

export function statusOf(pipeline: string, loop: TaskLoop): TaskStatus[] {
  const { task, session, restoring } = loop
  if (task === null) return []
  return [
    {
      pipeline,
      task: task.name,
      state: restoring !== null ? 'restoring' : session === null ? 'closed' : 'running',
      restoring,
      watermarkMs: Number.isFinite(task.watermarkMs) ? task.watermarkMs : null,
      counters: { ...task.counters },
      stateEntries: entryCount(task),
      inputs: task.cursors.map((cursor, i) => ({
        ...cursor.place,
        offset: cursor.position,
        lag: session === null ? 0 : Math.max(0, session.endOffset(i) - cursor.position),
        idle: cursor.clock.idle,
      })),
    },
  ]
}
