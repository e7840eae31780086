/** Which letters are meant. */
import type { Letter } from './letter.ts'
import type { LetterState } from './letter-marks.ts'

/** null: any. */
export interface LetterChoice {
  readonly reason: string | null
  readonly step: string | null
  readonly pipeline: string | null
  /** As text. */
  readonly key: string | null
  /** The record's time, ms since 1970: this or later. */
  readonly sinceMs: number | null
  /** Earlier than this. */
  readonly untilMs: number | null
  readonly partition: number | null
  /** This letter of the partition alone. */
  readonly offset: number | null
  readonly state: LetterState | null
}

export const anyLetter: LetterChoice = {
  reason: null,
  step: null,
  pipeline: null,
  key: null,
  sinceMs: null,
  untilMs: null,
  partition: null,
  offset: null,
  state: null,
}

/** @param state of the letter */
export function isChosen(letter: Letter, state: LetterState, choice: LetterChoice): boolean {
  const { key, sinceMs, untilMs } = choice
  return (
    isOne(choice.state, state) &&
    isOne(choice.reason, letter.reason) &&
    isOne(choice.step, letter.step) &&
    isOne(choice.pipeline, letter.pipeline) &&
    isOne(choice.partition, letter.partition) &&
    isOne(choice.offset, letter.offset) &&
    (key === null || letter.key?.toString('utf8') === key) &&
    (sinceMs === null || letter.timeMs >= sinceMs) &&
    (untilMs === null || letter.timeMs < untilMs)
  )
}

function isOne<T>(wanted: T | null, is: T | null): boolean {
  return wanted === null || wanted === is
}
