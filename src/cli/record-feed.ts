/** Where `consume` takes records from: a reader that owns nothing, or a group that remembers. */
import { isCode, MillraceError } from '../core/error.ts'
import type {
  GroupOffset,
  Log,
  Membership,
  Reader,
  StartAt,
  TaskInfo,
  TopicInfo,
} from '../log/log.ts'
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
  const fresh = await unread(log, topic, partitions, group)
  try {
    await setStart(log, topic, fresh, { group, start })
    const membership = await log.join({
      pipeline: group,
      tasks: [task],
      infos: [infoOf(task, topic, partitions)],
      takeOver: false,
    })
    return await openTask(log, { topic, partitions, group, start, membership, fresh })
  } catch (thrown) {
    throw isCode(thrown, 'pipeline-running') ? await inUse(log, group, thrown) : thrown
  }
}

interface TaskOptions extends GroupOptions {
  readonly topic: TopicInfo
  readonly partitions: readonly number[]
  readonly fresh: readonly number[]
  readonly membership: Membership
}

async function openTask(log: Log, options: TaskOptions): Promise<RecordFeed> {
  const { topic, partitions, group, start, membership, fresh } = options
  try {
    const [task] = membership.owned
    if (task === undefined) {
      throw new MillraceError('pipeline-running', `another member of group '${group}' reads it`)
    }
    const session = await log.open({
      pipeline: group,
      task,
      inputs: partitions.map((partition) => ({ topic: topic.name, partition })),
      startAt: partitions.map(() => startAt(start.position)),
    })
    let committed = [...session.offsets]
    // From now on the group is known, and 'latest' means the end as it is now.
    if (fresh.length > 0) {
      await session.commit({ offsets: committed, appends: [], changelog: null })
    }
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

function infoOf(task: string, { name }: TopicInfo, partitions: readonly number[]): TaskInfo {
  return {
    task,
    part: 'consume',
    index: 0,
    inputs: partitions.map((partition) => ({
      topic: name,
      partition,
      isRepartition: false,
      isShared: false,
    })),
    isStateful: false,
  }
}

/** The partitions that the group has no offset of. */
async function unread(
  log: Log,
  topic: TopicInfo,
  partitions: readonly number[],
  group: string,
): Promise<number[]> {
  const known = (await log.groups()).find((info) => info.group === group)?.offsets ?? []
  return partitions.filter(
    (partition) => !known.some((one) => one.topic === topic.name && one.partition === partition),
  )
}

/** An offset or a time is written down as the group's own, where it has none. */
async function setStart(
  log: Log,
  topic: TopicInfo,
  fresh: readonly number[],
  { group, start }: GroupOptions,
): Promise<void> {
  const { kind } = start.position
  if (kind === 'earliest' || kind === 'latest' || fresh.length === 0) return
  await log.commitGroup(group, await offsetsAt(log, topic, fresh, start))
}

function startAt(position: Position): StartAt {
  return position.kind === 'latest' ? 'latest' : 'earliest'
}

/** In the words of `consume`: what runs is a consumer, or a pipeline of the group's name. */
async function inUse(log: Log, group: string, thrown: MillraceError): Promise<MillraceError> {
  const owner = (await log.groups()).find((info) => info.group === group)?.owner
  return new MillraceError(
    'pipeline-running',
    `group '${group}' is in use by ${owner ?? 'another process'}`,
    { hint: 'wait until that one ends, or read with another --group', cause: thrown },
  )
}
