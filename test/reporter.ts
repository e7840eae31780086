/**
 * Ends a test run with what it did not do and one line that a person and a program can read:
 * `N passed, N failed` and, where tests were skipped, each of them with its reason before it.
 */
import type { Reporter, TestModule, Vitest } from 'vitest/node'

export interface Tally {
  passed: number
  failed: number
  /** One line a skipped test: where, title, reason. */
  skipped: string[]
}

export default class Summary implements Reporter {
  #root = ''

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    process.stdout.write(summaryText(tally(modules, unhandled.length, this.#root)))
  }
}

/**
 * A file that could not be loaded, or whose hooks failed, counts as one failure, and so does each
 * error that no test caught: a run that could not look is not a run that passed.
 */
export function tally(modules: readonly TestModule[], unhandled: number, root: string): Tally {
  const result: Tally = { passed: 0, failed: unhandled, skipped: [] }
  for (const module of modules) {
    const file = module.moduleId.replace(`${root}/`, '')
    let failedHere = 0
    for (const test of module.children.allTests()) {
      const outcome = test.result()
      if (outcome.state === 'passed') result.passed += 1
      else if (outcome.state === 'failed') failedHere += 1
      else if (outcome.state === 'skipped') {
        const setUp = module.state() === 'failed' && outcome.note === undefined
        const note = outcome.note ?? (setUp ? 'its file failed' : 'no reason given')
        // A conformance suite writes the reason into the title.
        const reason = test.fullName.includes('[skipped: ') ? '' : `: ${note}`
        result.skipped.push(`${file}: ${test.fullName}${reason}`)
      } else failedHere += 1 // still pending at the end: it never gave a result
    }
    if (failedHere === 0 && module.state() === 'failed') failedHere = 1
    result.failed += failedHere
  }
  return result
}

export function summaryText({ passed, failed, skipped }: Tally): string {
  const lines = skipped.map((line) => `skipped  ${line}\n`)
  const tail = skipped.length === 0 ? '' : `, ${skipped.length} skipped`
  return `${lines.join('')}${passed} passed, ${failed} failed${tail}\n`
}
