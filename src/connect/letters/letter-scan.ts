/** Goes through the letters of a topic, partition by partition, in order of offset. */
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import type { Log, TopicInfo } from '../../log/log.ts'
import { letterAt, type Letter } from './letter.ts'
import type { LetterChoice } from './letter-choice.ts'

/** How long the log may take to give what it has. */
const waitMs = 10_000
/** Looked at in one go, before others have their turn. */
const turnRecords = 2_000

/**
 * All letters up to the ends of now that may be chosen by place; the rest of the choice is the
 * caller's. Those given stay valid until dropped.
 * @throws `log-unreachable` · `unknown-partition` · what the log throws
 */
export async function* scanLetters(
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  info: TopicInfo,
  { partition, offset }: Pick<LetterChoice, 'partition' | 'offset'>,
): AsyncGenerator<Letter> {
  const places = info.partitions.filter((one) => partition === null || one.partition === partition)
  if (places.length === 0) {
    throw new MillraceError(
      'unknown-partition',
      `topic '${info.name}' has no partition ${partition}`,
    )
  }
  for (const { partition: number, startOffset, endOffset } of places) {
    const from = Math.min(Math.max(offset ?? startOffset, startOffset), endOffset)
    const until = offset === null ? endOffset : Math.min(endOffset, offset + 1)
    if (from >= until) continue
    const reader = await log.openReader([{ topic: info.name, partition: number, offset: from }])
    try {
      let next = from
      let looked = 0
      while (next < until) {
        const batch = reader.poll(0)
        if (batch === null) {
          if ((await reader.wait(waitMs)) === 'ready') continue
          throw new MillraceError('log-unreachable', `topic '${info.name}' cannot be read now`)
        }
        for (let i = batch.first; i < batch.count && batch.offset(i) < until; i++) {
          yield letterAt(batch, i)
          looked += 1
          if (looked % turnRecords === 0) await clock.nextTurn()
        }
        next = batch.nextOffset
      }
    } finally {
      await reader.close()
    }
  }
}
