/** Errors and checks that several files here share. */
import { MillraceError } from '../../core/error.ts'
import type { GroupOffset } from '../log.ts'

export function unknownTopic(topic: string): MillraceError {
  return new MillraceError('unknown-topic', `topic '${topic}' does not exist`, {
    hint: `list the topics: millrace topics list; or create it: millrace topics create ${topic}`,
    at: { topic },
  })
}

export function unknownPartition(topic: string, partition: number, count: number): MillraceError {
  const has = count === 1 ? 'has only partition 0' : `has partitions 0 to ${count - 1}`
  return new MillraceError('unknown-partition', `topic '${topic}' has no partition ${partition}`, {
    hint: `it ${has}`,
    at: { topic, partition },
  })
}

export function fenced(pipeline: string, task: string): MillraceError {
  return new MillraceError(
    'task-fenced',
    `another run has taken over task '${task}' of pipeline '${pipeline}'`,
    {
      hint: 'stop here; the other run goes on from the last commit',
      at: { pipeline, task },
    },
  )
}

export function pipelineRunning(pipeline: string, owner: string | null): MillraceError {
  return new MillraceError(
    'pipeline-running',
    `pipeline '${pipeline}' is run by ${owner ?? 'another process'}`,
    {
      hint: 'stop the other run, or take over: --take-over',
      at: { pipeline },
    },
  )
}

/** @param what is wrong, as the rest of a clause */
export function damaged(path: string, what: string): MillraceError {
  return new MillraceError('log-damaged', `${path} is damaged: it ${what}`, {
    hint: 'restore it from a copy, or choose another data directory: --data DIR',
  })
}

export function closedError(what: string): MillraceError {
  return new MillraceError('log-closed', `${what} was closed`, { hint: 'open it again' })
}

/** @throws `invalid-argument` · `offset-out-of-range` */
export function checkOffset({ topic, partition, offset }: GroupOffset, endOffset: number): void {
  const at = { topic, partition }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new MillraceError('invalid-argument', `${offset} is no offset`, {
      hint: 'use a whole number, 0 or more',
      at,
    })
  }
  if (offset <= endOffset) return
  throw new MillraceError('offset-out-of-range', `offset ${offset} is above the end ${endOffset}`, {
    hint: 'start at the end, or at an earlier offset',
    at,
  })
}
