/** `npm run test:faults -- [--rounds 200] [--seed N]`: the kill rounds, one task and a task for each partition in turn. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killRounds } from './kill-rounds.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
if (!Number.isInteger(rounds) || rounds < 2 || !Number.isInteger(seed)) {
  console.error('usage: npm run test:faults -- [--rounds N, at least 2] [--seed N]')
  process.exit(2)
}
let failed = 0
for (const mode of ['one', 'per-partition'] as const) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
  try {
    const report = await killRounds({ dir, rounds: Math.ceil(rounds / 2), seed, mode })
    console.log(`ok: tasks ${mode}, seed ${seed}: ${JSON.stringify(report)}`)
    rmSync(dir, { recursive: true, force: true })
  } catch (error) {
    failed += 1
    console.error(`FAILED: tasks ${mode}, seed ${seed}; the data is kept in ${dir}`)
    console.error(error)
  }
}
console.log(`${2 - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
