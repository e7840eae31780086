/** Tasks, groups and runs of pipelines, inside a write transaction. [L1, L4] */
import { assert } from '../../core/assert.ts'
import { MillraceError } from '../../core/error.ts'
import type { Appended } from '../log.ts'
import { appendAll, type AppendContext } from './append.ts'
import { checkOffset, fenced } from './errors.ts'
import { changedSum, insertedSum, sumInserted, update } from './row-sums.ts'
import type { Answer, Ask, OpenedInput, OpenedTask } from './writes.ts'

/**
 * Old changelog blobs that one commit deletes at most: more than it adds, few enough not to be
 * felt.
 */
const trimRows = 16

/**
 * Takes a task: whoever had it is fenced. @throws `task-fenced` where the run itself was taken
 * over
 */
export function openTask({ store, catalog }: AppendContext, ask: Ask<'open-task'>): OpenedTask {
  const { pipeline, task } = ask
  if (ask.generation !== null) {
    const run = store.get<{ generation: number }>(
      'SELECT generation FROM pipelines WHERE name = ?',
      pipeline,
    )
    if (run?.generation !== ask.generation) throw fenced(pipeline, task)
  }
  const changed = store.run(
    `INSERT INTO main.tasks (pipeline, task, epoch, sum) VALUES (?, ?, 0, 0)
     ON CONFLICT DO NOTHING`,
    pipeline,
    task,
  )
  if (changed > 0) store.run(sumInserted('tasks'))
  const row = store.get<{ id: number; epoch: number; keep_seq: number; next_seq: number }>(
    `${update('tasks', { epoch: 'epoch + 1' })} WHERE pipeline = ?1 AND task = ?2
     RETURNING id, epoch, keep_seq, next_seq`,
    pipeline,
    task,
  )
  if (row === undefined) throw fenced(pipeline, task)
  const inputs = ask.inputs.map(({ topic, partition }, i): OpenedInput => {
    const { partId } = catalog.find(topic, partition)
    const at = store.get<{ start: number; next: number; committed: number | null }>(
      `SELECT start_offset AS start, next_offset AS next, COALESCE(
         (SELECT next FROM offsets WHERE grp = ? AND task = ? AND part_id = p.id),
         (SELECT next FROM offsets WHERE grp = ? AND task = '' AND part_id = p.id)) AS committed
       FROM partitions p WHERE id = ?`,
      pipeline,
      task,
      pipeline,
      partId,
    )
    const { start, next, committed } = at ?? { start: 0, next: 0, committed: null }
    const wished = committed ?? (ask.startAt[i] === 'latest' ? next : start)
    const offset = Math.max(wished, start)
    return { topic, partition, partId, offset, skipped: offset - wished }
  })
  const { id: taskId, epoch, keep_seq: keepSeq, next_seq: nextSeq } = row
  return { taskId, epoch, keepSeq, nextSeq, inputs }
}

const nextCommit = `${update('tasks', { next_seq: 'next_seq + ?1' })} WHERE id = ?2 AND epoch = ?3
  RETURNING next_seq, round_seq, keep_seq, trim_seq`

/** A task's commit; the epoch is looked at first, in the same transaction. [L4] */
export function commitTask(context: AppendContext, ask: Ask<'commit'>): Appended[] {
  const { store } = context
  const { changelog, pipeline, task } = ask
  const row = store.get<TaskRow>(nextCommit, changelog === null ? 0 : 1, ask.taskId, ask.epoch)
  if (row === undefined) throw fenced(pipeline, task)
  const appended = appendAll(context, ask.appends, null)
  for (const move of ask.offsets) moveOffset(context, ask, move)
  if (changelog !== null) keepChangelog(context, ask.taskId, row, changelog)
  return appended
}

/** Unchecked: a partition's end is a bound here, nothing more. */
const isInPartition = `(SELECT next_offset FROM main.partitions WHERE id = ?3) >= ?4`
const nextOffset = `${update('offsets', { next: '?4' })}
  WHERE grp = ?1 AND task = ?2 AND part_id = ?3 AND ${isInPartition}`
const firstOffset = `INSERT INTO main.offsets (grp, task, part_id, next, sum)
  SELECT ?1, ?2, ?3, ?4, ${insertedSum('?1, ?2, ?3, ?4')} WHERE ${isInPartition}
  ON CONFLICT DO NOTHING`

function moveOffset(
  { store }: AppendContext,
  { pipeline, task }: Ask<'commit'>,
  { partId, topic, partition, next }: Ask<'commit'>['offsets'][number],
): void {
  const values = [pipeline, task, partId, next]
  if (store.run(nextOffset, ...values) > 0 || store.run(firstOffset, ...values) > 0) return
  const found = store.get<{ next: number }>(
    'SELECT next_offset AS next FROM partitions WHERE id = ?',
    partId,
  )
  assert(
    found === undefined,
    () => `offset ${next} of ${topic}/${partition} is above its end ${found?.next}`,
  )
  throw new MillraceError('unknown-topic', `topic '${topic}' was deleted while the task reads it`, {
    hint: 'stop the pipelines that read a topic before deleting it',
    at: { pipeline, task, topic },
  })
}

interface TaskRow {
  readonly next_seq: number
  readonly round_seq: number | null
  readonly keep_seq: number
  readonly trim_seq: number
}

const moveRound = `${update('tasks', {
  round_seq: '?1',
  keep_seq: '?2',
  trim_seq: '?3',
})} WHERE id = ?4`

/**
 * The rolling snapshot: when a round is complete, what lies before its first blob is deleted bit
 * by bit.
 */
function keepChangelog(
  { store }: AppendContext,
  taskId: number,
  row: TaskRow,
  changelog: NonNullable<Ask<'commit'>['changelog']>,
): void {
  const seq = row.next_seq - 1
  store.run(
    'INSERT INTO changelog (task_id, seq, data) VALUES (?, ?, ?)',
    taskId,
    seq,
    changelog.bytes,
  )
  // A blob that both starts and ends a round is a whole round by itself.
  const roundSeq = changelog.startsRound ? seq : row.round_seq
  const roundEnds = changelog.endsRound && roundSeq !== null
  const keepSeq = roundEnds ? roundSeq : row.keep_seq
  const trimSeq = Math.min(keepSeq, row.trim_seq + trimRows)
  if (trimSeq > row.trim_seq) {
    store.run(
      'DELETE FROM changelog WHERE task_id = ? AND seq >= ? AND seq < ?',
      taskId,
      row.trim_seq,
      trimSeq,
    )
  }
  if (!changelog.startsRound && !roundEnds && trimSeq === row.trim_seq) return
  store.run(moveRound, roundEnds ? null : roundSeq, keepSeq, trimSeq, taskId)
}

/** Sets offsets of a group; the tasks of a pipeline of that name go on from there as well. */
export function commitGroup({ store, catalog }: AppendContext, ask: Ask<'commit-group'>): null {
  for (const { topic, partition, offset } of ask.offsets) {
    const { partId } = catalog.find(topic, partition)
    const place = store.get<{ next: number }>(
      'SELECT next_offset AS next FROM partitions WHERE id = ?',
      partId,
    )
    checkOffset({ topic, partition, offset }, place?.next ?? 0)
    store.run(
      `${update('offsets', { next: '?1' })} WHERE grp = ?2 AND part_id = ?3`,
      offset,
      ask.group,
      partId,
    )
    store.run(
      `INSERT INTO main.offsets (grp, task, part_id, next, sum)
       VALUES (?1, '', ?2, ?3, ${insertedSum("?1, '', ?2, ?3")}) ON CONFLICT DO NOTHING`,
      ask.group,
      partId,
      offset,
    )
  }
  return null
}

/** Forgets offsets and state; epochs stay, so that whoever still has a task is fenced. */
export function deleteGroup({ store }: AppendContext, ask: Ask<'delete-group'>): null {
  store.run('DELETE FROM main.offsets WHERE grp = ?', ask.group)
  store.run(
    `${update('tasks', { epoch: 'epoch + 1', keep_seq: 'next_seq', round_seq: 'NULL' })}
     WHERE pipeline = ?1`,
    ask.group,
  )
  return null
}

/**
 * Writes down a new run of a pipeline. 'outrun': another run has been written down since the
 * caller looked. A run that takes over fences every task, also those it does not have itself.
 */
export function joinPipeline({ store }: AppendContext, ask: Ask<'join'>): Answer<'join'> {
  const row = store.get<{ generation: number }>(
    'SELECT generation FROM pipelines WHERE name = ?',
    ask.pipeline,
  )
  if ((row?.generation ?? 0) !== ask.generation) return 'outrun'
  store.run(
    `INSERT INTO main.pipelines (name, generation, owner, sum)
     VALUES (?1, ?2, ?3, ${insertedSum('?1, ?2, ?3')})
     ON CONFLICT DO UPDATE SET generation = ?2, owner = ?3,
       sum = ${changedSum('pipelines', { generation: '?2', owner: '?3' })}`,
    ask.pipeline,
    ask.generation + 1,
    ask.owner,
  )
  if (ask.fence)
    store.run(`${update('tasks', { epoch: 'epoch + 1' })} WHERE pipeline = ?1`, ask.pipeline)
  return 'joined'
}

export function leavePipeline({ store }: AppendContext, ask: Ask<'leave'>): null {
  store.run(
    `${update('pipelines', { owner: 'NULL' })} WHERE name = ?1 AND generation = ?2`,
    ask.pipeline,
    ask.generation,
  )
  return null
}
