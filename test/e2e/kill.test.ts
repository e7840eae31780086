/** A few of the kill rounds; `npm run test:faults -- --rounds 200` runs all. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { killRounds } from '../faults/kill-rounds.ts'

for (const mode of ['one', 'per-partition'] as const) {
  test(
    `L1 O1 nothing is lost or doubled under kill -9, tasks: ${mode}`,
    { timeout: 120_000 },
    async () => {
      const seed = Date.now() % 1_000_000
      // A floor on useful work: rounds that only met idle processes would prove nothing. On a busy
      // machine more of them do, so there are more then.
      let atWork = 0
      for (let runs = 0; runs < 4 && atWork < 4; runs++) {
        const dir = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
        const report = await killRounds({ dir, rounds: 10, seed: seed + runs, mode })
        expect(report.results, `seed ${seed + runs}`).toBeGreaterThan(100)
        atWork += report.atWork
        rmSync(dir, { recursive: true, force: true })
      }
      expect(atWork, `seeds from ${seed}`).toBeGreaterThanOrEqual(4)
    },
  )
}
