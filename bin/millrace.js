#!/usr/bin/env node
// The `millrace` command. In an installed package it runs the built code, in a clone the sources.
// Plain JS without a static import of ours: an old Node must get as far as the message that says it
// is too old.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

const nodeMajorMin = 24
const source = new URL('../src/cli/main.ts', import.meta.url)
const built = new URL('../dist/cli/main.js', import.meta.url)
const isClone = existsSync(source)

if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  process.exitCode = await runElsewhere()
} else {
  hideExperimentalWarnings()
  // Keeps compiled code (and stripped types) between starts; a command that starts twice starts
  // faster.
  nodeModule.enableCompileCache()
  const { main } = await import(isClone ? source.href : built.href)
  process.exitCode = await main(process.argv.slice(2))
}

/**
 * On an old Node: a clone has Node 24 in its node_modules; an installed package can only say what
 * to do.
 */
async function runElsewhere() {
  if (isClone) {
    const root = fileURLToPath(new URL('..', import.meta.url))
    const pinned = await import('../scripts/pinned-node.mjs')
    const node = pinned.findNode(root)
    if (node !== undefined) return pinned.runAndWait(node, process.argv.slice(1))
  }
  process.stderr.write(
    `millrace needs Node 24 or newer; this is ${process.version}. Install Node 24 from ` +
      `https://nodejs.org${isClone ? ', or run `npm ci` in the clone, which brings one' : ''}.\n`,
  )
  return 1
}

/**
 * Early releases of Node 24 announce SQLite and type stripping as experimental at every start. Both
 * are pinned and tested here, and the lines would stand in the output of every command. Other
 * warnings are shown as always.
 */
function hideExperimentalWarnings() {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning, ...details) => {
    const [type] = details
    const name = typeof type === 'string' ? type : (type?.type ?? warning?.name)
    if (name !== 'ExperimentalWarning') Reflect.apply(emitWarning, process, [warning, ...details])
  }
}
