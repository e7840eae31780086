/** vitest's `test` for tests that start a server program: skipped, with the reason, without it. */
import { test } from 'vitest'
import { whyNoServer } from './programs.ts'
import type { ServerName } from './programs.ts'

/** As vitest's `test`, or skipped with the reason in the title. */
export function testWith(server: ServerName): typeof test {
  const why = whyNoServer(server)
  if (why === null) return test
  const skip = (title: string, ...rest: unknown[]): void => {
    const last = rest.findLast((one) => typeof one === 'function') as () => void
    test.skip(`${title} [skipped: ${why}]`, last)
  }
  return Object.assign(skip, { skip: test.skip }) as typeof test
}
