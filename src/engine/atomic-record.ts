/**
 * What one record does is done as a whole or not at all (O4): state, outputs, what it prints, and
 * that it was late. `begin` starts something atomic, `undo` takes back all since then.
 */
import { MillraceError } from '../core/error.ts'
import type { Outputs } from './outputs.ts'
import type { Journal } from './state/store.ts'

export class AtomicRecord {
  readonly #journal: Journal
  readonly #outputs: Outputs
  readonly #print: (text: string) => void
  readonly #onLate: (records: number) => void
  /** Steps for which the record in hand was late. */
  #lateSteps: string[] = []
  #lateCount = 0
  #prints: string[] = []
  #printMark = 0

  constructor(
    journal: Journal,
    outputs: Outputs,
    to: { print: (text: string) => void; late: (records: number) => void },
  ) {
    this.#journal = journal
    this.#outputs = outputs
    this.#print = to.print
    this.#onLate = to.late
  }

  /** Starts something atomic: what was done before stands. */
  begin(): void {
    this.#journal.begin()
    this.#outputs.begin()
    if (this.#lateCount > 0) {
      this.#onLate(this.#lateCount)
      this.#lateCount = 0
      this.#lateSteps = []
    }
    this.#printMark = this.#prints.length
  }

  /**
   * Takes back what was done since `begin`. A fault of the engine is no record's fault: it stops
   * the task.
   */
  undo(thrown: unknown): void {
    if (thrown instanceof MillraceError && thrown.blame === 'engine') throw thrown
    this.#journal.undo()
    this.#outputs.undo()
    this.#lateCount = 0
    this.#lateSteps = []
    this.#prints.length = this.#printMark
  }

  /** A record is late for a step. @returns `again` when that was said before of the one in hand */
  late(step: string, hasRecord: boolean): 'first' | 'again' {
    if (hasRecord) {
      if (this.#lateSteps.includes(step)) return 'again'
      this.#lateSteps.push(step)
    }
    this.#lateCount += 1
    return 'first'
  }

  print(text: string): void {
    this.#prints.push(text)
  }

  /** Gives out what was printed. Between records only. */
  flushPrints(): void {
    if (this.#prints.length === 0) return
    this.#print(this.#prints.join(''))
    this.#prints = []
    this.#printMark = 0
  }
}
