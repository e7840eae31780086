// `npm pack` and `npm publish` run this before and after. Before: the real build goes into dist/,
// and package.json loses what only a clone needs: a user who installs the package must not be
// given a second Node of 100 MB. After: both are put back.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeDoors } from './dev-doors.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const manifest = join(root, 'package.json')
const saved = join(root, 'package.json.full')

if (process.argv[2] === 'before') before()
else if (process.argv[2] === 'after') after()
else throw new Error(`pack.mjs takes 'before' or 'after', not '${process.argv[2]}'`)

function before() {
  const runner = join(root, 'scripts', 'run.mjs')
  const build = spawnSync(process.execPath, [runner, 'build'], { stdio: 'inherit' })
  if (build.status !== 0) {
    writeDoors()
    process.exit(1)
  }
  // A pack that was killed has left the full one behind; the one beside it is cut already.
  if (!existsSync(saved)) copyFileSync(manifest, saved)
  const published = JSON.parse(readFileSync(saved, 'utf8'))
  // In a clone the pinned Node does the work, started by any from 20 on.
  published.engines = { node: '>=24' }
  delete published.optionalDependencies
  delete published.devDependencies
  delete published.scripts
  writeFileSync(manifest, `${JSON.stringify(published, null, 2)}\n`)
}

function after() {
  if (existsSync(saved)) renameSync(saved, manifest)
  writeDoors()
}
