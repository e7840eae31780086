/**
 * `npm run mutants -- [--only TEXT …] [--jobs N] [--write] [--no-simulate]`: plants known bugs one
 * at a time in a copy of the source, and runs the tests until one fails: those nearest to the bug
 * first, then all others that load its file. What failed must pass without the bug, and far from
 * the bug it must fail twice, so that a test that fails now and then catches nothing. On their own
 * run those that simulate. A bug that nobody catches is a failure.
 *
 * `--only`: bugs of which name or file has the text; may be given several times. `--jobs`: workers
 * of a run of tests (1). `--write`: puts the rows into docs/RELIABILITY.md, after each bug.
 * `--no-simulate`: what the simulations see is not asked for; that takes half of the time.
 */
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readTree } from '../tidy/tree.ts'
import { nearestTests, waves } from './nearest.ts'
import { plant, plantedBugs } from './planted.ts'
import type { Planted } from './planted-bug.ts'
import { byText, withRows } from './table.ts'
import type { Verdict } from './table.ts'
import { firstFailure } from './test-run.ts'
import type { Failure } from './test-run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const document = join(root, 'docs/RELIABILITY.md')
/** Of one run of tests. A bug that makes a test hang is caught by that. */
const timeoutMs = 300_000
/** Test files in the first runs; the last one has the rest. */
const waveSizes = [3, 9]
/** Tests that know nothing of the bug's place: random plans and pipelines under faults. */
const isSimulation = (path: string): boolean => /^(?:src\/testing\/simulate|test\/sim)\//.test(path)
/** They run on a log of their own, and take no part in what these files do. */
const isApart = (path: string): boolean => /^src\/(?:log\/(?:embedded|kafka)|connect)\//.test(path)
const copied = ['src', 'test', 'bench', 'docs', 'examples', 'scripts', 'bin', 'dist']
const files = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'README.md', 'CONTRIBUTING.md']

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    jobs: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    simulate: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const bugs = plantedBugs.filter(({ name, file }) =>
  values.only.some((text) => name.includes(text) || file.includes(text)),
)
if (bugs.length === 0) {
  console.error(`no planted bug is called '${values.only.join("' or '")}'`)
  process.exit(2)
}

const tree = readTree(root)
const dir = copyOfTree()
/** Test files, and whether they pass without a bug. */
const sound = new Map<string, boolean>()
try {
  const verdicts = bugs.map((bug) => judged(bug))
  const survived = verdicts.filter(({ by, simulated }) => by === null && simulated !== 'yes')
  const seen = verdicts.filter(({ simulated }) => simulated === 'yes').length
  console.log(`the simulations alone catch ${seen}`)
  for (const { bug } of survived) console.log(`SURVIVED: ${bug.name} (${bug.file})`)
  console.log(`${verdicts.length - survived.length} caught, ${survived.length} survived`)
  process.exitCode = survived.length === 0 ? 0 : 1
} finally {
  rmSync(dir, { recursive: true, force: true })
}

function copyOfTree(): string {
  const made = mkdtempSync(join(tmpdir(), 'millrace-mutants-'))
  chmodSync(made, 0o755) // a test looks at what another user may do
  for (const name of [...copied, ...files].filter((one) => existsSync(join(root, one))))
    cpSync(join(root, name), join(made, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(made, 'node_modules'))
  return made
}

function judged(bug: Planted): Verdict {
  const path = join(dir, bug.file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(path, plant(bug, source))
  try {
    const nearest = nearestTests(tree, bug.file)
    const startMs = Date.now()
    const by = caughtBy(nearest, () => withoutBug(path, source))
    const seconds = Math.round((Date.now() - startMs) / 1000)
    const simulated = simulatedBy(isApart(bug.file) ? [] : nearest.filter(isSimulation))
    const verdict: Verdict = { bug, by, seconds, simulated }
    console.log(`${bug.name}\n  by ${byText(by)} (${seconds} s)\n  simulated: ${simulated}`)
    if (values.write) {
      const text = readFileSync(document, 'utf8')
      writeFileSync(document, withRows(text, [verdict], plantedBugs))
    }
    return verdict
  } finally {
    writeFileSync(path, source)
  }
}

/** Takes the bug out. @returns puts it back */
function withoutBug(path: string, source: string): () => void {
  const planted = readFileSync(path, 'utf8')
  writeFileSync(path, source)
  return () => writeFileSync(path, planted)
}

function caughtBy(nearest: readonly string[], takeOut: () => () => void): Failure | null {
  for (const [i, wave] of waves(nearest, waveSizes).entries()) {
    for (;;) {
      const left = wave.filter((file) => sound.get(file) !== false)
      const failure = run(left)
      if (failure === null) break
      const { file } = failure
      if (file === null) return failure
      if (isSound(file, takeOut) && (i === 0 || run([file]) !== null)) return failure
      console.log(`  ${file} fails without the bug, or not each time: ${failure.test}`)
      sound.set(file, false)
    }
  }
  return null
}

function isSound(file: string, takeOut: () => () => void): boolean {
  const known = sound.get(file)
  if (known !== undefined) return known
  const putBack = takeOut()
  const passes = run([file]) === null
  putBack()
  sound.set(file, passes)
  return passes
}

function simulatedBy(simulations: readonly string[]): Verdict['simulated'] {
  if (!values.simulate) return 'not asked'
  if (simulations.length === 0) return 'unseen'
  return run(simulations) === null ? 'no' : 'yes'
}

function run(tests: readonly string[]): Failure | null {
  return firstFailure(tests, { dir, workers: Number(values.jobs), timeoutMs })
}
