/**
 * The suite that every log passes, as data. A runner makes one test of each case:
 * `defineLogConformance(test, subject)` with vitest's or node's `test`, or `runLogCase` by hand.
 */
import { appendCases } from './conformance/append-cases.ts'
import { groupCases } from './conformance/group-cases.ts'
import type { CaseHarness, LogCase, LogSubject } from './conformance/log-case.ts'
import { modelCases } from './conformance/model-cases.ts'
import { memberCases } from './conformance/member-cases.ts'
import { ownerCases } from './conformance/owner-cases.ts'
import { readerCases } from './conformance/reader-cases.ts'
import { retentionCases } from './conformance/retention-cases.ts'
import { sessionCases } from './conformance/session-cases.ts'
import { topicCases } from './conformance/topic-cases.ts'
import { trimCases } from './conformance/trim-cases.ts'
import type { Log } from './log.ts'

export {
  type Capability,
  type LogCase,
  type LogCaseId,
  type LogHarness,
  type LogSubject,
  logSubjects,
} from './conformance/log-case.ts'

export const logConformance: readonly LogCase[] = [
  ...topicCases,
  ...appendCases,
  ...readerCases,
  ...sessionCases,
  ...ownerCases,
  ...groupCases,
  ...memberCases,
  ...retentionCases,
  ...trimCases,
  ...modelCases,
]

/** What a test runner offers: `test(title, run)` and `test.skip`. */
export interface TestFunction {
  (title: string, run: () => Promise<void>): unknown
  skip(title: string, run: () => Promise<void>): unknown
}

/**
 * Makes one test of each case; one that the subject cannot run is skipped, with the reason in its
 * title and on stderr.
 */
export function defineLogConformance(test: TestFunction, subject: LogSubject): void {
  for (const logCase of logConformance) {
    const missing = logCase.needs.filter((need) => !subject.capabilities.includes(need))
    const run = (): Promise<void> => runLogCase(logCase, subject)
    if (missing.length === 0) {
      test(logCase.title, run)
      continue
    }
    const title = `${logCase.title} [skipped: the ${subject.name} log has no ${missing.join(', ')}]`
    process.stderr.write(`${title}\n`)
    test.skip(title, run)
  }
}

/** Runs one case on a storage of its own, and closes what it opened. */
export async function runLogCase(logCase: LogCase, subject: LogSubject): Promise<void> {
  const harness = await subject.start()
  const opened: Log[] = []
  const watched: CaseHarness = {
    open: async () => {
      const log = await harness.open()
      opened.push(log)
      return log
    },
    clock: harness.clock,
    maintain: (log) => harness.maintain(log),
    limitMs: harness.limitMs,
    isDense: subject.capabilities.includes('dense'),
  }
  try {
    await logCase.run(watched)
  } finally {
    for (const log of opened) await log.close()
    await subject.stop(harness)
  }
}
