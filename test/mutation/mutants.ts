/**
 * `npm run mutants -- [--only TEXT] [--write]`: plants known bugs one at a time in a copy of the
 * source, and runs the tests until one fails: first those near the bug, then all others, and on
 * their own those that simulate. A bug that nobody catches is a failure.
 * `--write` puts the table into docs/RELIABILITY.md.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { plant, plantedBugs } from './planted.ts'
import type { Planted } from './planted-bug.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const document = join(root, 'docs/RELIABILITY.md')
const marks = ['<!-- planted bugs: begin -->', '<!-- planted bugs: end -->'] as const
/** A bug that makes a test hang is caught by that. */
const timeoutMs = 300_000
/** Tests that know nothing of the bug's place: random plans and pipelines under faults. */
const simulations = ['src/testing/simulate', 'test/sim']
const copied = ['src', 'test', 'bench', 'docs', 'examples', 'scripts', 'bin', 'dist']
const files = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'README.md', 'CONTRIBUTING.md']
const reportFile = 'mutant.json'
const quietly = [
  '--passWithNoTests',
  '--silent',
  '--bail',
  '1',
  '--reporter=json',
  `--outputFile=${reportFile}`,
]

interface Caught {
  readonly file: string
  readonly test: string
  readonly seconds: number
}

interface Verdict {
  readonly bug: Planted
  readonly by: Caught | null
  readonly simulation: Caught | null
}

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, write: { type: 'boolean', default: false } },
})
const bugs = plantedBugs.filter(({ name }) => name.includes(values.only))
if (bugs.length === 0) {
  console.error(`no planted bug is called '${values.only}'`)
  process.exit(2)
}

const copy = copyOfTree()
try {
  const verdicts = bugs.map((bug) => verdictOf(bug, copy))
  const survived = verdicts.filter(({ by, simulation }) => by === null && simulation === null)
  if (values.write) writeTable(verdicts)
  const simulated = verdicts.filter(({ simulation }) => simulation !== null).length
  console.log(`the simulations alone catch ${simulated}`)
  for (const { bug } of survived) console.log(`SURVIVED: ${bug.name} (${bug.file})`)
  console.log(`${verdicts.length - survived.length} caught, ${survived.length} survived`)
  process.exitCode = survived.length === 0 ? 0 : 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}

function copyOfTree(): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-mutants-'))
  for (const name of [...copied, ...files])
    cpSync(join(root, name), join(dir, name), { recursive: true, force: true })
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  return dir
}

function verdictOf(bug: Planted, dir: string): Verdict {
  const path = join(dir, bug.file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(path, plant(bug, source))
  try {
    const simulation = firstFailure(dir, simulations)
    const by =
      firstFailure(dir, [`${dirname(bug.file)}/`]) ??
      firstFailure(dir, [`${dirname(dirname(bug.file))}/`]) ??
      firstFailure(dir, ['src/', 'test/mutants/'])
    const text = (caught: Caught | null): string =>
      caught === null ? 'nobody' : `${caught.file}: ${caught.test} (${caught.seconds} s)`
    console.log(`${bug.name}\n  by ${text(by)}\n  simulated: ${text(simulation)}`)
    return { bug, by, simulation }
  } finally {
    writeFileSync(path, source)
  }
}

/** Runs the tests in some folders until one fails; null: none does. */
function firstFailure(dir: string, folders: readonly string[]): Caught | null {
  const startMs = Date.now()
  const vitest = join(dir, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--project', 'unit', ...quietly, ...folders]
  const run = spawnSync(process.execPath, args, {
    cwd: dir,
    stdio: 'ignore',
    timeout: timeoutMs,
  })
  const seconds = Math.round((Date.now() - startMs) / 1000)
  if (run.status === 0) return null
  if (run.error !== undefined || run.signal !== null)
    return { file: folders.join(' '), test: 'does not end', seconds }
  return { ...failureIn(dir), seconds }
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

function failureIn(dir: string): { file: string; test: string } {
  const { testResults } = JSON.parse(readFileSync(join(dir, reportFile), 'utf8')) as Report
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed !== undefined) return { file: relative(dir, name), test: failed.title }
  }
  const file = testResults.find(({ status }) => status === 'failed')
  if (file === undefined) throw new Error('the tests failed, but none of them did')
  return { file: relative(dir, file.name), test: 'cannot be loaded' }
}

function writeTable(verdicts: readonly Verdict[]): void {
  const text = readFileSync(document, 'utf8')
  const [from, to] = [text.indexOf(marks[0]), text.indexOf(marks[1])]
  if (from < 0 || to < from) throw new Error(`${document} has no place for the table`)
  const cell = (caught: Caught | null): string =>
    caught === null ? '–' : `${basename(caught.file, '.test.ts')}: ${caught.test}`.slice(0, 60)
  const rows = verdicts.map(
    ({ bug, by, simulation }) =>
      `| ${bug.name} | ${cell(by)} | ${by?.seconds ?? '–'} | ${simulation ? 'yes' : '–'} |`,
  )
  const head = ['| bug | caught by | s | simulated |', '|---|---|---|---|']
  const table = [marks[0], '', ...head, ...rows, '', marks[1]].join('\n')
  writeFileSync(document, text.slice(0, from) + table + text.slice(to + marks[1].length))
}
