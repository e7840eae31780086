/**
 * `npm run test:faults -- [--rounds 200] [--images N] [--seed N] [--only TEXT] [--case N]
 * [--prove]`: processes are killed, disks are full or fail, the power goes; with one task, with a
 * task for each partition, and with random pipelines.
 *
 * `--images`: power cuts, by default as many as rounds. `--only`: tests with this in their name.
 * `--case`: only the random pipeline of that number, which has failed, is killed so many times.
 * `--prove`: instead, faults are planted that the tests must find.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { powerLoss } from '../power-loss/power-loss.ts'
import { provePowerLoss } from '../power-loss/prove.ts'
import { failingFsync, fullDisk } from './disk.ts'
import { killRounds } from './kill-rounds.ts'
import { proveRandomKills } from './random/prove.ts'
import { randomKills } from './random/random-kills.ts'
import type { TaskMode } from './scenario.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    images: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: '' },
    case: { type: 'string' },
    prove: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const images = Number(values.images ?? rounds)
const seed = Number(values.seed)
const onlyCase = values.case === undefined ? undefined : Number(values.case)
if (![rounds, images, seed].every(Number.isInteger) || rounds < 2 || images < 2) {
  console.error('usage: npm run test:faults -- [--rounds N] [--images N] [--seed N]')
  console.error('       [--only TEXT] [--case N] [--prove]; at least 2 rounds and 2 images')
  process.exit(2)
}

interface Test {
  readonly name: string
  /** Default: both. */
  readonly modes?: readonly TaskMode[]
  run(options: { dir: string; seed: number; mode: TaskMode }): Promise<object>
}
const randomName = 'kill -9, random pipelines'
const bothModes = ['one', 'per-partition'] as const
const faults: readonly Test[] = [
  {
    name: 'kill -9',
    run: (options) => killRounds({ ...options, rounds: Math.ceil(rounds / 2) }),
  },
  {
    name: randomName,
    modes: ['one'],
    run: (options) =>
      randomKills({ ...options, rounds, ...(onlyCase === undefined ? {} : { onlyCase }) }),
  },
  {
    name: 'power cuts',
    run: (options) => powerLoss({ ...options, images: Math.ceil(images / 4) }),
  },
  {
    name: 'power cuts, random pipelines',
    modes: ['one'],
    run: (options) => powerLoss({ ...options, mode: 'random', images: Math.ceil(images / 2) }),
  },
  {
    name: 'power cuts, failing fsync',
    run: (options) => powerLoss({ ...options, failing: true, images: Math.ceil(images / 4) }),
  },
  {
    // 60 MB of input: the file itself has grown, not only what is written ahead of it.
    name: 'full disk',
    run: (options) => fullDisk({ ...options, sizeMiB: 200, sales: 400_000 }),
  },
  {
    name: 'failing fsync',
    run: (options) => failingFsync({ ...options, rounds: Math.ceil(rounds / 10) }),
  },
]
const proofs: readonly Test[] = [
  { name: 'power cuts find planted faults', run: provePowerLoss },
  { name: 'kill -9 finds planted faults', modes: ['one'], run: proveRandomKills },
]

const only = onlyCase === undefined ? values.only : randomName
const chosen = (values.prove ? proofs : faults).filter(({ name }) => name.includes(only))
let passed = 0
let failed = 0
for (const { name, modes = bothModes, run } of chosen) {
  for (const mode of modes) {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
    const place = `${name}${modes.length > 1 ? `, tasks ${mode}` : ''}, seed ${seed}`
    const startedMs = Date.now()
    try {
      const report = await run({ dir, seed, mode })
      const seconds = `${((Date.now() - startedMs) / 1000).toFixed(1)} s`
      if ('skipped' in report) console.log(`skipped: ${place}: ${String(report.skipped)}`)
      else {
        passed += 1
        console.log(`ok: ${place}, ${seconds}: ${JSON.stringify(report)}`)
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
