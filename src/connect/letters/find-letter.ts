/** Single letters, what they were before, and where their replayed records are. */
import type { Clock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import type { Log } from '../../log/log.ts'
import { chainOf, placeText, type RecordPlace } from '../../pipeline/replay-headers.ts'
import type { Letter } from './letter.ts'
import type { NewPlace } from './letter-marks.ts'
import { scanLetters } from './letter-scan.ts'

/** Letters that one record was, looked at. */
const historyMax = 100
/** Records looked through for one whose place was not noted. */
const lookedAtMax = 200_000
/** How long the log may take to give what it has. */
const waitMs = 10_000

interface Place {
  readonly log: Log
  readonly clock: Clock
}

/** null: there is none at that offset, or no topic any more. */
export async function findLetter(
  { log, clock }: Place,
  { topic, partition, offset }: RecordPlace,
): Promise<Letter | null> {
  try {
    const info = await log.describeTopic(topic)
    for await (const letter of scanLetters({ log, clock }, info, { partition, offset })) {
      if (letter.offset === offset) return letter
    }
    return null
  } catch (thrown) {
    if (isCode(thrown, 'unknown-topic') || isCode(thrown, 'unknown-partition')) return null
    throw thrown
  }
}

/** The letters that its record was before, the first one first, as far as they are still there. */
export async function historyOf(place: Place, letter: Letter): Promise<Letter[]> {
  const found: Letter[] = []
  let { chain } = letter
  while (chain !== null && found.length < historyMax) {
    const before = await findLetter(place, chain.letter)
    if (before === null) break
    found.unshift(before)
    chain = before.chain
  }
  return found
}

/**
 * The offset of a letter's new record: as it was noted, or, where a replay was killed before it
 * could, looked for. null: not found.
 */
export async function offsetOfReplay(
  { log }: Place,
  letter: Letter,
  { topic, partition, from, offset }: NewPlace,
): Promise<number | null> {
  if (offset !== null) return offset
  const wanted = placeText(letter)
  const reader = await log.openReader([{ topic, partition, offset: from }])
  try {
    let looked = 0
    for (let next = from; next < reader.endOffset(0) && looked < lookedAtMax;) {
      const batch = reader.poll(0)
      if (batch === null) {
        if ((await reader.wait(waitMs)) === 'ready') continue
        return null
      }
      for (let i = batch.first; i < batch.count; i++, looked++) {
        const chain = chainOf(batch.headers(i))
        if (chain !== null && placeText(chain.letter) === wanted) return batch.offset(i)
      }
      next = batch.nextOffset
    }
    return null
  } finally {
    await reader.close()
  }
}
