/** Says before the tests of real servers which of them are skipped, or refuses to go on. */
import { serverNames, whyNoServer } from './programs.ts'

export default function setup(): void {
  for (const server of serverNames) {
    const why = whyNoServer(server)
    if (why === null) continue
    if (process.env['MILLRACE_REQUIRE_SERVERS'] === '1') throw new Error(`server tests: ${why}`)
    process.stderr.write(`Tests that need ${server} are skipped: ${why}\n`)
  }
}
