/** A task's state, read back from the log: told while it takes long, and ended by a stop. */
import { entryCount } from './state/entry-count.ts'
import type { Clock } from '../core/clock.ts'
import type { Session } from '../log/log.ts'
import type { TaskEvent } from './task-event.ts'
import type { Task } from './task.ts'

/** How far a restore has come. */
export interface RestoreProgress {
  /** Commits whose changes were read, and their bytes. */
  readonly blobs: number
  readonly bytes: number
  /** 0 to 1; 0 as long as the log does not know how much there is. */
  readonly share: number
}

export interface RestoreTaskOptions {
  readonly clock: Clock
  readonly isStopping: () => boolean
  readonly notify: (event: TaskEvent) => void
  readonly onProgress: (progress: RestoreProgress) => void
}

const tellEveryMs = 1_000
/** Others get their turn after this: heartbeats above all. */
const holdMsMax = 20

/** @returns whether all was read; `stopped`: the task is not to be used */
export async function restoreTask(
  session: Session,
  task: Task,
  { clock, isStopping, notify, onProgress }: RestoreTaskOptions,
): Promise<'restored' | 'stopped'> {
  const startedMs = clock.monotonic()
  let heldSinceMs = startedMs
  let blobs = 0
  let bytes = 0
  const progress = (): RestoreProgress => ({ blobs, bytes, share: session.restoredShare })
  let cancel = (): void => {}
  const tellLater = (): void => {
    cancel = clock.after(tellEveryMs, () => {
      notify({ kind: 'restoring', task: task.name, ...progress() })
      tellLater()
    })
  }
  tellLater()
  onProgress(progress())
  try {
    for await (const blob of session.restore()) {
      if (isStopping()) return 'stopped'
      task.restore(blob)
      blobs += 1
      bytes += blob.length
      onProgress(progress())
      if (clock.monotonic() - heldSinceMs < holdMsMax) continue
      await clock.nextTurn()
      heldSinceMs = clock.monotonic()
    }
    task.begin()
  } finally {
    cancel()
  }
  const ms = clock.monotonic() - startedMs
  notify({ kind: 'restored', task: task.name, blobs, entries: entryCount(task), ms })
  return 'restored'
}
