// The entry of every npm script: `node scripts/run.mjs <command> [arguments]`. Installs what is
// missing, finds Node 24, runs the command under it. Needs nothing but Node >= 20 and npm, so that
// `npm start` and `npm test` are the only steps on a fresh clone.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'
import { environmentFor, findNode, majorOf, noNodeText, runAndWait } from './pinned-node.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Commands that show the page, or test it: it is built first, where that is due. */
const withPage = new Set(['start', 'example', 'test', 'test:unit', 'bench', 'check'])

/** What each command starts: a file and its first arguments; the user's arguments follow. */
const commands = {
  start: ['bin/millrace.js', 'start'],
  test: ['node_modules/vitest/vitest.mjs', 'run'],
  'test:unit': ['node_modules/vitest/vitest.mjs', 'run', 'src'],
  'test:deep': ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/deep/vitest.config.ts'],
  'test:faults': ['test/faults/faults.ts'],
  sim: ['test/sim/sim.ts'],
  'test:kafka-faults': ['test/kafka-faults/faults.ts'],
  long: ['test/long/long.ts'],
  mutants: ['test/mutation/mutants.ts'],
  fuzz: ['test/fuzz/fuzz.ts'],
  check: ['scripts/check.mjs'],
  bench: ['bench/bench.ts'],
  'bench:kafka': ['bench/kafka/bench.ts'],
  'kafka:up': ['test/kafka/kafka.ts', 'up'],
  'kafka:down': ['test/kafka/kafka.ts', 'down'],
  'kafka:tool': ['test/kafka/kafka.ts', 'tool'],
  example: ['scripts/example.mjs'],
  nexmark: ['bench/nexmark/nexmark.ts'],
  build: ['scripts/build.mjs'],
  'build:page': ['scripts/build-page.mjs', '--force'],
}

async function main([name, ...args]) {
  const command = commands[name]
  if (command === undefined) {
    return fail(
      `there is no command '${name ?? ''}'. One of: ${Object.keys(commands).join(', ')}`,
      2,
    )
  }
  if (majorOf(process.version) < 20) {
    const old = `this needs Node 20 or newer to set itself up; this is ${process.version}`
    return fail(`${old}. Install Node 24 from https://nodejs.org`, 1)
  }
  const installed = await install(root)
  if (installed !== 0) return installed
  const node = findNode(root)
  if (node === undefined) return fail(noNodeText(), 1)
  const [file, ...fixed] = command
  if (!existsSync(join(root, file)))
    return fail(`${file} does not exist, so there is nothing to run`, 1)
  const options = { cwd: root, env: environmentFor(root, node) }
  if (withPage.has(name)) {
    const built = await runAndWait(node, [join(root, 'scripts', 'build-page.mjs')], options)
    if (built !== 0) return built
  }
  return runAndWait(node, [join(root, file), ...fixed, ...args], options)
}

function fail(text, code) {
  process.stderr.write(`${text}\n`)
  return code
}

process.exitCode = await main(process.argv.slice(2))
