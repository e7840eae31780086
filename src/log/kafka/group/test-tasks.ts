/** Tasks for the tests of this folder. */
import type { TaskInfo } from '../../log.ts'

/** `count` tasks `main/0`, … of one part that keeps state, each with its partition of `topic`. */
export function statefulTasks(count: number, topic = 'orders', part = 'main'): TaskInfo[] {
  return Array.from({ length: count }, (_, index) => ({
    task: `${part}/${index}`,
    part,
    index,
    inputs: [{ topic, partition: index, isRepartition: false, isShared: false }],
    isStateful: true,
  }))
}

export function statelessTasks(count: number, topic = 'orders', part = 'plain'): TaskInfo[] {
  return statefulTasks(count, topic, part).map((info) => ({ ...info, isStateful: false }))
}
