/** What is said where a partition cannot be read on from an offset. */
import { MillraceError } from '../../../core/error.ts'
import type { TopicPartition } from '../../log.ts'

export function closedError(): MillraceError {
  return new MillraceError('log-closed', 'the reader was closed')
}

/** Records were deleted before they were read. */
export function gap(place: TopicPartition, offset: number, start: number): MillraceError {
  return new MillraceError(
    'offset-out-of-range',
    `${start - offset} records from offset ${offset} on were deleted before they were read`,
    {
      at: { ...place, offset },
      hint:
        "go on without them: outOfRange 'earliest' (at the oldest that is left) or 'latest'; " +
        'and keep records longer: retention of the topic',
    },
  )
}

export function aboveEnd(place: TopicPartition, offset: number, end: number): MillraceError {
  return new MillraceError('offset-out-of-range', `offset ${offset} is above the end ${end}`, {
    at: { ...place, offset },
    hint: 'the topic was made anew, or has lost records: set the offsets of the group anew',
  })
}

/** A leader has come whose log is not what was read [KIP-320]. */
export function cutBack(place: TopicPartition, offset: number, end: number): MillraceError {
  return new MillraceError(
    'offset-out-of-range',
    `records before offset ${offset}, which were read, are gone: the log parts from them at ${end}`,
    {
      at: { ...place, offset },
      hint:
        'a replica that lacked them was made leader (unclean leader election): set the offsets ' +
        'of the group anew, and keep unclean.leader.election.enable false',
    },
  )
}

/** Offsets of the old topic mean nothing in the new one. */
export function madeAnew({ topic, partition }: TopicPartition): MillraceError {
  return new MillraceError('unknown-topic', `topic '${topic}' was deleted, and made anew`, {
    at: { topic, partition },
    hint: 'set the offsets of the group anew',
  })
}
