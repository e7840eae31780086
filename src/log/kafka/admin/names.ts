/** Names of what a pipeline keeps on Kafka beside its own topics. */
import type { TopicPartition } from '../../log.ts'

const nameMax = 249

/** Where a task keeps its changelog. Tasks `<part>/<n>` share a topic, one partition each. */
export function changelogTopic(pipeline: string, task: string): TopicPartition {
  const numbered = /^(.*)\/(\d{1,4})$/s.exec(task)
  const [part, partition] =
    numbered === null ? [`.${task}`, 0] : [numbered[1] ?? '', Number(numbered[2])]
  return { topic: topicName(`${safe(pipeline)}-${safe(part)}-changelog`), partition }
}

/** Whether it is the changelog of one of the pipeline's tasks. */
export function isChangelogOf(pipeline: string, topic: string): boolean {
  return topic.startsWith(`${safe(pipeline)}-`) && topic.endsWith('-changelog')
}

/** The group that holds the offsets of inputs which other tasks read as well. */
export function taskGroup(pipeline: string, task: string): string {
  return `${pipeline}${taskMark}${task}`
}

const taskMark = '##'

/** The pipeline of a group: of a task's own group the one it belongs to. */
export function pipelineOfGroup(group: string): string {
  const at = group.indexOf(taskMark)
  return at < 0 ? group : group.slice(0, at)
}

/** The group, and transactional id, of a producer that numbers its appends. */
export function stampGroup(producer: string): string {
  return `${stampMark}${producer}`
}

const stampMark = 'millrace-stamp-'

export function isStampGroup(group: string): boolean {
  return group.startsWith(stampMark)
}

export function transactionalIdOf(pipeline: string, task: string): string {
  return `${pipeline}/${task}`
}

/** Characters that topics cannot have are written as their number, so that no two names meet. */
function safe(text: string): string {
  return text.replace(
    /[^a-zA-Z0-9._-]|_(?=[0-9a-f]+_)/g,
    (char) => `_${(char.codePointAt(0) ?? 0).toString(16)}_`,
  )
}

function topicName(name: string): string {
  if (name.length <= nameMax) return name
  let hash = 0
  for (const char of name) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0
  const tail = `-${hash.toString(16)}-changelog`
  return `${name.slice(0, nameMax - tail.length)}${tail}`
}
