/**
 * `npm run test:faults -- [--rounds 200] [--seed N]`: the kill rounds, then disks that are full or
 * fail; each with one task, and with a task for each partition.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { failingFsync, fullDisk } from './disk.ts'
import { killRounds } from './kill-rounds.ts'
import type { TaskMode } from './scenario.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
if (!Number.isInteger(rounds) || rounds < 2 || !Number.isInteger(seed)) {
  console.error('usage: npm run test:faults -- [--rounds N, at least 2] [--seed N]')
  process.exit(2)
}

type Test = (options: { dir: string; seed: number; mode: TaskMode }) => Promise<object>
const tests: Readonly<Record<string, Test>> = {
  'kill -9': (options) => killRounds({ ...options, rounds: Math.ceil(rounds / 2) }),
  // 60 MB of input: the file itself has grown, not only what is written ahead of it.
  'full disk': (options) => fullDisk({ ...options, sizeMiB: 200, sales: 400_000 }),
  'failing fsync': (options) => failingFsync({ ...options, rounds: Math.ceil(rounds / 10) }),
}
let passed = 0
let failed = 0
for (const [name, test] of Object.entries(tests)) {
  for (const mode of ['one', 'per-partition'] as const) {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
    const place = `${name}, tasks ${mode}, seed ${seed}`
    try {
      const report = await test({ dir, seed, mode })
      if ('skipped' in report) console.log(`skipped: ${place}: ${String(report.skipped)}`)
      else {
        passed += 1
        console.log(`ok: ${place}: ${JSON.stringify(report)}`)
      }
      rmSync(dir, { recursive: true, force: true })
    } catch (error) {
      failed += 1
      console.error(`FAILED: ${place}; the data is kept in ${dir}`)
      console.error(error)
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
