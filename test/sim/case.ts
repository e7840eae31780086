/** A random pipeline with its input. */
import type { Pipeline } from '../../src/index.ts'
import type { SimulatedRecord } from '../../src/testing/simulate/simulation-input.ts'

/** What must come out of a case, by a plain computation over all of its input. */
export interface BatchModel {
  readonly name: string
  /**
   * Lines `place record`, those of a place in order: see `linesOfOutcome`. Where all input lies in
   * the log before a single task reads it, and nothing falls idle meanwhile.
   */
  readonly lines: () => readonly string[]
}

export interface RandomCase {
  readonly seed: number
  /** Topics, steps and outputs, a line each. */
  readonly text: string
  /** The pipelines, made anew: they run as one. All are named `random`. */
  readonly pipelines: () => Pipeline[]
  /** What the topics hold before anything runs, in order. */
  readonly input: readonly SimulatedRecord[]
  readonly tasks: 'one' | 'per-partition'
  /** `latest`: what lies in the log before the first run is not read. */
  readonly startAt: 'earliest' | 'latest'
  readonly model: BatchModel | null
  /** What the plan is made of: steps, kinds of windows, of joins, of aggregates … */
  readonly uses: ReadonlySet<string>
  /** Names of the topics that it writes; dead and late letters are beside them. */
  readonly outputs: readonly string[]
}
