/** What cases were made of, and met: so that a check that exercises nothing is noticed. */
import { faultKinds } from '../../src/testing/simulate/fault.ts'
import { stepMakers } from './random-plan.ts'
import type { CheckedCase } from './check-case.ts'

export class Tally {
  cases = 0
  runs = 0
  commits = 0
  written = 0
  readonly #uses: Map<string, number> = new Map(Object.keys(stepMakers).map((name) => [name, 0]))
  readonly #faults: Map<string, number> = new Map(faultKinds.map((kind) => [kind, 0]))

  add({ case: one, report, written }: CheckedCase): void {
    this.cases += 1
    this.runs += report.runs
    this.commits += report.commits
    this.written += written
    for (const use of one.uses) this.#uses.set(use, (this.#uses.get(use) ?? 0) + 1)
    this.#count(`tasks: ${one.tasks}`)
    for (const [kind, times] of Object.entries(report.faults)) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + times)
    }
  }

  #count(use: string): void {
    this.#uses.set(use, (this.#uses.get(use) ?? 0) + 1)
  }

  /** Steps, and kinds of faults, that no case had. */
  get missing(): readonly string[] {
    return [...this.#uses, ...this.#faults].flatMap(([name, times]) => (times === 0 ? [name] : []))
  }

  /** How often each was used, a line each. */
  text(): string {
    const lines = (title: string, counts: ReadonlyMap<string, number>): string[] => [
      title,
      ...[...counts]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, times]) => `  ${String(times).padStart(7)}  ${name}`),
    ]
    return [
      `${this.cases} cases, ${this.runs} runs with faults, ${this.commits} commits, ` +
        `${this.written} records written`,
      ...lines('faults met:', this.#faults),
      ...lines('cases with:', this.#uses),
    ].join('\n')
  }
}
