/**
 * How Millrace names what it keeps on Kafka beside the user's topics: changelog topics, groups of
 * tasks, groups of stamps. Topic names are made so that two tasks never share one.
 */
import { createHash } from 'node:crypto'
import type { TopicPartition } from '../../log.ts'

/** Between a pipeline and a task, in the group that holds the task's offsets of shared inputs. */
const taskMark = '##'
const stampMark = 'millrace-stamp-'
const changelogMark = '-changelog'

/** Together with the marks at most the 249 characters that Kafka allows. */
const pipelineCharsMax = 120
const partCharsMax = 118

/** The group that holds a task's offsets of inputs which other tasks read as well. */
export function taskGroup(pipeline: string, task: string): string {
  return `${pipeline}${taskMark}${task}`
}

/** The group that holds what a producer with stamps has appended. */
export function stampGroup(producer: string): string {
  return `${stampMark}${producer}`
}

export function isStampGroup(group: string): boolean {
  return group.startsWith(stampMark)
}

/** The name under which a group is shown: of a task's group its pipeline, else the group itself. */
export function pipelineOfGroup(group: string): string {
  const at = group.indexOf(taskMark)
  return at < 1 ? group : group.slice(0, at)
}

/** As whom a task writes; the heir of a task must take it over. */
export function transactionalIdOf(pipeline: string, task: string): string {
  return taskGroup(pipeline, task)
}

/**
 * Where a task keeps its state. Task `<part>/<n>`: partition n of a topic that the tasks of its
 * part share; any other task has a topic of its own.
 *
 * `<pipeline>-<part>-changelog`: a part's own `-` is escaped, so that pipeline `a` with part `b-c`
 * and pipeline `a-b` with part `c` are told apart. What cannot stand in a topic's name becomes
 * `_x<code>_`. Names that are too long end in a hash.
 */
export function changelogTopic(pipeline: string, task: string): TopicPartition {
  const numbered = /^(.+)\/(0|[1-9]\d{0,5})$/s.exec(task)
  const topicOf = (part: string): string =>
    `${pipelineText(pipeline)}-${limited(part, partCharsMax)}${changelogMark}`
  if (numbered === null) return { topic: topicOf(taskText(task)), partition: 0 }
  const [, part = '', partition] = numbered
  return { topic: topicOf(escaped(part, /[^a-zA-Z0-9._]/u)), partition: Number(partition) }
}

/** Whether a topic has the name of a changelog of this pipeline, and of no other. */
export function isChangelogOf(pipeline: string, topic: string): boolean {
  const prefix = `${pipelineText(pipeline)}-`
  if (!topic.startsWith(prefix) || !topic.endsWith(changelogMark)) return false
  const part = topic.slice(prefix.length, -changelogMark.length)
  return topic.length > prefix.length + changelogMark.length && !part.includes('-')
}

function pipelineText(pipeline: string): string {
  return limited(escaped(pipeline, /[^a-zA-Z0-9._-]/u), pipelineCharsMax)
}

/**
 * A task that has a topic of its own. `/` becomes `_x_`, of which there is always one: no part's
 * text has it.
 */
function taskText(task: string): string {
  const pieces = task.split('/').map((piece) => escaped(piece, /[^a-zA-Z0-9._]/u))
  if (pieces.length > 1 && pieces[0] === '') pieces.splice(0, 2, `_x2f_${pieces[1]}`)
  return pieces.length === 1 ? `_x_${pieces[0]}` : pieces.join('_x_')
}

/** One to one: `_x` in the result always begins an escape. */
function escaped(text: string, unsafe: RegExp): string {
  let out = ''
  const chars = Array.from(text)
  for (const [i, char] of chars.entries()) {
    const looksEscaped = char === '_' && chars[i + 1] === 'x'
    const isPlain = !unsafe.test(char) && !looksEscaped
    out += isPlain ? char : `_x${char.codePointAt(0)?.toString(16)}_`
  }
  return out
}

function limited(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 40)
  return `${text.slice(0, charsMax - 44)}_xh${hash}_`
}
