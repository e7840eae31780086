/** What was done about letters, kept in memory for the topics asked for last. */
import type { Clock } from '../core/clock.ts'
import { LetterMarks } from '../connect/letters/letter-marks.ts'
import type { Log } from '../log/log.ts'

const topicsMax = 8

interface Kept {
  readonly marks: LetterMarks
  /** Readings of marks, one after the other. */
  reading: Promise<void>
}

export class LetterStates {
  readonly #log: Log
  readonly #clock: Clock
  /** In the order in which they were last asked for. */
  readonly #kept = new Map<string, Kept>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** With all that is committed by now. @throws what `LetterMarks.catchUp` throws */
  async of(letters: string): Promise<LetterMarks> {
    const kept = this.#kept.get(letters) ?? {
      marks: new LetterMarks(this.#log, this.#clock, letters),
      reading: Promise.resolve(),
    }
    this.#kept.delete(letters)
    this.#kept.set(letters, kept)
    for (const [name, { marks, reading }] of this.#kept) {
      if (this.#kept.size <= topicsMax) break
      this.#kept.delete(name)
      void reading.then(() => marks.close()).catch(() => {}) // the log may be closed
    }
    const reading = kept.reading.then(() => kept.marks.catchUp())
    kept.reading = reading.catch(() => {})
    await reading
    return kept.marks
  }
}
