// `npm run check [-- name …]`: everything that must hold, the fast parts first. Goes on to the end,
// so that one run shows all there is to repair; exits 1 when a part failed.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = (...parts) => join(root, 'node_modules', ...parts)
const vitest = [
  bin('vitest', 'vitest.mjs'),
  'run',
  '--reporter=dot',
  '--reporter=./test/reporter.ts',
]
const tsc = bin('typescript', 'bin', 'tsc')
const tidy = 'test/tidy'
const packaging = 'test/e2e/package.test.ts'

/** Name → the program, run by Node, and what to do when it fails. */
const parts = {
  format: [[bin('oxfmt', 'bin', 'oxfmt'), '--check', '.'], 'run: npx oxfmt <file>'],
  lint: [[bin('oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings', '.'], ''],
  tidy: [[...vitest, tidy], 'each line names the place and the remedy'],
  types: [[tsc, '-p', '.'], ''],
  page: [[tsc, '-p', 'dashboard', '--noEmit'], ''],
  unit: [[...vitest, '--exclude', `${tidy}/**`, '--exclude', packaging], ''],
  package: [[...vitest, packaging], ''],
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => parts[name] === undefined)
if (unknown.length > 0) {
  process.stderr.write(`no check '${unknown[0]}'; there are: ${Object.keys(parts).join(', ')}\n`)
  process.exit(2)
}

const failed = []
const names = asked.length === 0 ? Object.keys(parts) : asked
for (const name of names) {
  const [args, remedy] = parts[name]
  const startMs = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const time = `${((performance.now() - startMs) / 1000).toFixed(1)} s`
  if (status !== 0) {
    failed.push(name)
    process.stdout.write(`${stdout}${stderr}`)
  }
  const verdict = status === 0 ? 'ok    ' : 'failed'
  const hint = status === 0 || remedy === '' ? '' : `  (${remedy})`
  process.stdout.write(`${verdict}  ${name.padEnd(9)} ${time.padStart(8)}${hint}\n`)
}

if (failed.length > 0) process.stdout.write(`failed: ${failed.join(', ')}\n`)
process.stdout.write(`${names.length - failed.length} passed, ${failed.length} failed\n`)
process.exitCode = failed.length === 0 ? 0 : 1
