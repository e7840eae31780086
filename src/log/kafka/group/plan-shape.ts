/**
 * What members of a group must agree on: the tasks and what each reads. Two versions of a pipeline
 * with other tasks must not share work, for a task of the same name would be another one.
 */
import { createHash } from 'node:crypto'
import type { TaskInfo } from '../../log.ts'

export interface PlanShape {
  /** Equal for equal task lists only. */
  readonly hash: string
  /** One for each part, for people. */
  readonly parts: readonly string[]
}

export function planShape(infos: readonly TaskInfo[]): PlanShape {
  const exact = infos.map(({ task, part, index, isStateful, inputs }) => [
    task,
    part,
    index,
    isStateful,
    inputs.map((input) => [input.topic, input.partition, input.isRepartition, input.isShared]),
  ])
  const hash = createHash('sha256').update(JSON.stringify(exact)).digest('hex').slice(0, 16)
  const parts = new Map<string, TaskInfo[]>()
  for (const info of infos) {
    const list = parts.get(info.part)
    if (list === undefined) parts.set(info.part, [info])
    else list.push(info)
  }
  return { hash, parts: [...parts].map(([name, tasks]) => partText(name, tasks)) }
}

function partText(part: string, tasks: readonly TaskInfo[]): string {
  const inputs = tasks.flatMap((task) => task.inputs)
  const topics = [...new Set(inputs.map(({ topic }) => topic))].map((topic) => {
    const partitions = new Set(inputs.filter((i) => i.topic === topic).map((i) => i.partition))
    return `${topic} (${partitions.size})`
  })
  const count = tasks.length === 1 ? '1 task' : `${tasks.length} tasks`
  const state = tasks.some(({ isStateful }) => isStateful) ? 'with state' : 'without state'
  return `part ${part}: ${count} ${state} on ${topics.join(', ') || 'no topic'}`
}

/** @returns one clause: what `mine` has that `theirs` has not, and the other way round */
export function shapeDifference(mine: PlanShape, theirs: PlanShape): string {
  const here = mine.parts.filter((part) => !theirs.parts.includes(part))
  const there = theirs.parts.filter((part) => !mine.parts.includes(part))
  if (here.length === 0 && there.length === 0)
    return 'the same parts, but other task names or order'
  return `it has ${listed(here)}, the others have ${listed(there)}`
}

const listedMax = 5

function listed(parts: readonly string[]): string {
  if (parts.length === 0) return 'nothing beside that'
  const text = parts
    .slice(0, listedMax)
    .map((part) => `'${part}'`)
    .join(', ')
  return parts.length > listedMax ? `${text} and ${parts.length - listedMax} more` : text
}
