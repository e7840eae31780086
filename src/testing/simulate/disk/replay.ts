/** Changes done again in order, on an empty store: what a log finds when it is opened. */
import { unreachable } from '../../../core/assert.ts'
import type { Clock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Session } from '../../../log/log.ts'
import { type MemoryLog, openMemoryLog } from '../../../log/memory/memory-log.ts'
import { MemoryStore, taskKey } from '../../../log/memory/memory-store.ts'
import type { Change, Entry } from './frame.ts'

/** A change that the log refused is in the file as well: it is refused again. */
export async function replayed(entries: readonly Entry[]): Promise<MemoryStore> {
  const store = new MemoryStore()
  let nowMs = 0
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: () => () => undefined,
    nextTurn: async () => undefined,
  }
  const log = openMemoryLog({ store, clock })
  /** The newest of each task. */
  const sessions = new Map<string, Session>()
  for (const entry of entries) {
    nowMs = entry.nowMs
    try {
      await redo(log, sessions, entry.change)
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) throw thrown
    }
  }
  await log.close()
  return store
}

async function redo(log: MemoryLog, sessions: Map<string, Session>, change: Change): Promise<void> {
  switch (change.kind) {
    case 'create-topic':
      await log.createTopic(change.name, change.config)
      return
    case 'alter-topic':
      await log.alterTopic(change.name, change.config)
      return
    case 'delete-topic':
      await log.deleteTopic(change.name)
      return
    case 'append':
      await log.append(change.batches, change.stamp)
      return
    case 'trim':
      await log.trim(change.offsets)
      return
    case 'commit-group':
      await closeAll(sessions, change.group)
      await log.commitGroup(change.group, change.offsets)
      return
    case 'delete-group':
      await closeAll(sessions, change.group)
      await log.deleteGroup(change.group)
      return
    case 'open':
      sessions.set(taskKey(change.spec), await log.open(change.spec))
      return
    case 'commit':
      await sessions.get(taskKey(change))?.commit(change.commit)
      return
    case 'maintain':
      await log.maintain()
      return
    default:
      unreachable(change)
  }
}

/** Nobody ran the pipeline when its group was changed: its sessions had been closed. */
async function closeAll(sessions: Map<string, Session>, pipeline: string): Promise<void> {
  for (const session of sessions.values()) {
    if (session.spec.pipeline === pipeline) await session.close()
  }
}
