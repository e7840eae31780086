/** Where `consume` takes records from: a reader that owns nothing, or a group that remembers. */
import { isCode, MillraceError } from '../core/error.ts'
import type { GroupOffset, Log, Reader, StartAt, TopicInfo } from '../log/log.ts'
import { offsetsAt, type Position } from './position.ts'

export interface RecordFeed extends Pick<Reader, 'poll' | 'wait' | 'wake'> {
  /** Where each input begins. */
  readonly offsets: readonly number[]
  /** Remembers the next offset of each input, where there is a group. */
  commit(offsets: readonly number[]): Promise<void>
  close(): Promise<void>
}

/** A reader of its own. */
export async function openFree(log: Log, start: readonly GroupOffset[]): Promise<RecordFeed> {
  const reader = await log.openReader(start)
  return {
    offsets: start.map(({ offset }) => offset),
    poll: (input) => reader.poll(input),
    wait: (timeoutMs) => reader.wait(timeoutMs),
    wake: () => reader.wake(),
    commit: async () => {},
    close: () => reader.close(),
  }
}

export interface GroupOptions {
  readonly group: string
  /** Where partitions begin that the group has not read yet. */
  readonly start: { readonly position: Position; readonly nowMs: number }
}

/**
 * The group as a task of its own: one consumer has it at a time, and only that one can commit. [L4]
 * @throws `pipeline-running` · `unknown-partition` · `invalid-argument`
 */
export async function openGroup(
  log: Log,
  topic: TopicInfo,
  partitions: readonly number[],
  { group, start }: GroupOptions,
): Promise<RecordFeed> {
  const task = `consume/${topic.name}`
  await setStart(log, topic, partitions, { group, start })
  const membership = await log
    .join({ pipeline: group, tasks: [task], takeOver: false })
    .catch((thrown: unknown) => {
      throw inUse(group, thrown)
    })
  try {
    const session = await log.open({
      pipeline: group,
      task,
      inputs: partitions.map((partition) => ({ topic: topic.name, partition })),
      startAt: partitions.map(() => startAt(start.position)),
    })
    let committed = [...session.offsets]
    return {
      offsets: session.offsets,
      poll: (input) => session.poll(input),
      wait: (timeoutMs) => session.wait(timeoutMs),
      wake: () => session.wake(),
      commit: async (offsets) => {
        if (offsets.every((offset, input) => offset === committed[input])) return
        await session.commit({ offsets, appends: [], changelog: null })
        committed = [...offsets]
      },
      close: async () => {
        await session.close()
        await membership.leave()
      },
    }
  } catch (thrown) {
    await membership.leave()
    throw thrown
  }
}

/** An offset or a time is written down as the group's own, where it has none. */
async function setStart(
  log: Log,
  topic: TopicInfo,
  partitions: readonly number[],
  { group, start }: GroupOptions,
): Promise<void> {
  if (start.position.kind === 'earliest' || start.position.kind === 'latest') return
  const known = (await log.groups()).find((info) => info.group === group)?.offsets ?? []
  const fresh = partitions.filter(
    (partition) => !known.some((one) => one.topic === topic.name && one.partition === partition),
  )
  if (fresh.length === 0) return
  await log
    .commitGroup(group, await offsetsAt(log, topic, fresh, start))
    .catch((thrown: unknown) => {
      throw inUse(group, thrown)
    })
}

function startAt(position: Position): StartAt {
  return position.kind === 'latest' ? 'latest' : 'earliest'
}

/** In the words of `consume`: what runs is a consumer, or a pipeline of the group's name. */
function inUse(group: string, thrown: unknown): unknown {
  if (!isCode(thrown, 'pipeline-running')) return thrown
  return new MillraceError('pipeline-running', `group '${group}' is in use: ${thrown.message}`, {
    hint: 'wait until that one ends, or read with another --group',
    cause: thrown,
  })
}
