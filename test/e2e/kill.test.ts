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
      const dir = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
      const seed = Date.now() % 1_000_000
      const report = await killRounds({ dir, rounds: 10, seed, mode })
      // A floor on useful work: rounds that only met idle processes would prove nothing.
      expect(report.atWork, `seed ${seed}`).toBeGreaterThanOrEqual(4)
      expect(report.results, `seed ${seed}`).toBeGreaterThan(100)
      rmSync(dir, { recursive: true, force: true })
    },
  )
}
