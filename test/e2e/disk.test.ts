/** Disks that are full or fail, in short; `npm run test:faults` has more of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { failingFsync, fullDisk } from '../faults/disk.ts'

const seed = Date.now() % 1_000_000

for (const mode of ['one', 'per-partition'] as const) {
  test(
    `L1 O1 a full disk is told, nothing is half, and it goes on with room, tasks: ${mode}`,
    { timeout: 120_000 },
    async (context) => {
      const dir = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
      const report = await fullDisk({ dir, seed, mode, sizeMiB: 24, sales: 40_000 })
      rmSync(dir, { recursive: true, force: true })
      if ('skipped' in report) return context.skip(report.skipped)
      // A floor on useful work: the disk became full behind some commits, and before the last.
      expect(report.committedWhenFull, `seed ${seed}`).toBeGreaterThan(0)
      expect(report.resultsWhenFull, `seed ${seed}`).toBeLessThan(report.results)
      expect(report.failures, `seed ${seed}`).toBeGreaterThanOrEqual(2)
    },
  )

  test(
    `L1 O1 a failing fsync loses and doubles nothing, tasks: ${mode}`,
    { timeout: 120_000 },
    async (context) => {
      const dir = mkdtempSync(join(tmpdir(), 'millrace-fsync-'))
      const report = await failingFsync({ dir, seed, mode, rounds: 3 })
      rmSync(dir, { recursive: true, force: true })
      if ('skipped' in report) return context.skip(report.skipped)
      expect(report.failures, `seed ${seed}`).toBeGreaterThanOrEqual(6)
      expect(report.results, `seed ${seed}`).toBeGreaterThan(0)
    },
  )
}
