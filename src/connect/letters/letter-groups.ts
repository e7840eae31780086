/** Letters counted by why they are there. */
import type { LetterState } from './letter-marks.ts'
import type { Letter } from './letter.ts'

export interface LetterGroup {
  readonly reason: string
  readonly step: string
  readonly pipeline: string | null
  readonly count: number
  /** Times of their records, ms since 1970. */
  readonly firstMs: number
  readonly lastMs: number
  /** Of the last one. */
  readonly message: string
}

/** Groups that are told apart; what comes after is counted in one without a name. */
const groupsMax = 1_000
const others = '(others)'

export class LetterGroups {
  readonly #groups = new Map<string, { -readonly [F in keyof LetterGroup]: LetterGroup[F] }>()
  readonly counts: Record<LetterState, number> = { open: 0, replayed: 0, discarded: 0 }

  /** @param isShown whether it belongs to a group, or is only counted by its state */
  add(letter: Letter, state: LetterState, isShown: boolean): void {
    this.counts[state] += 1
    if (!isShown) return
    const { timeMs, message } = letter
    let { reason, step, pipeline } = letter
    const named = JSON.stringify([reason, step, pipeline])
    const isOther = !this.#groups.has(named) && this.#groups.size >= groupsMax
    if (isOther) [reason, step, pipeline] = [others, '', null]
    const key = isOther ? others : named
    const group = this.#groups.get(key)
    if (group === undefined) {
      const times = { firstMs: timeMs, lastMs: timeMs }
      this.#groups.set(key, { reason, step, pipeline, count: 1, ...times, message })
      return
    }
    group.count += 1
    group.firstMs = Math.min(group.firstMs, timeMs)
    if (timeMs < group.lastMs) return
    group.lastMs = timeMs
    group.message = message
  }

  /** The largest first. */
  get all(): LetterGroup[] {
    return [...this.#groups.values()].toSorted((a, b) => b.count - a.count)
  }
}
