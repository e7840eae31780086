// Does node_modules hold what package-lock.json says? If not, `npm ci`. Runs on any Node >= 20.
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { runAndWait } from './pinned-node.mjs'

/**
 * Why node_modules does not match the lock file, in one clause; undefined when it does.
 * @param locked `packages` of package-lock.json
 * @param installed `packages` of node_modules/.package-lock.json
 * @param platform `{ os, cpu }` as npm spells them
 * @param triedAlready true when `npm ci` has run on this very lock file: what is optional and still
 * missing then cannot
 *   be installed here (another libc, a failed build), and asking again would reinstall at every
 *   start.
 */
export function mismatch(locked, installed, platform, triedAlready) {
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '' || wanted.link === true) continue
    const found = installed[path]
    if (found !== undefined && found.version === wanted.version) continue
    if (!fits(wanted.os, platform.os) || !fits(wanted.cpu, platform.cpu)) continue
    if (wanted.optional === true && found === undefined && (triedAlready || !isForOne(wanted)))
      continue
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    return found === undefined
      ? `${name} ${wanted.version} is missing`
      : `${name} is ${found.version} and should be ${wanted.version}`
  }
  return undefined
}

/**
 * An optional package whose entry names one system is the binary of something needed here. Others
 * may be missing for reasons the lock file does not show: another libc, a parent left out.
 */
function isForOne({ os, cpu, libc }) {
  return os !== undefined && cpu !== undefined && libc === undefined
}

/** npm's rule for `os` and `cpu`: a name, a list of names, or of `!name`s. */
function fits(rule, here) {
  if (rule === undefined) return true
  const names = [rule].flat()
  if (names.includes(`!${here}`)) return false
  return names.every((name) => name.startsWith('!')) || names.includes(here)
}

/**
 * Runs `npm ci` where it is needed, after saying so in one line. @returns an exit code, 0 =
 * node_modules is right.
 */
export async function install(root) {
  const modules = join(root, 'node_modules')
  const marker = join(modules, '.millrace-lock')
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const lockHash = createHash('sha256').update(lockText).digest('hex')
  const reason = existsSync(join(modules, '.package-lock.json'))
    ? mismatch(
        JSON.parse(lockText).packages,
        JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages,
        { os: process.platform, cpu: process.arch },
        existsSync(marker) && readFileSync(marker, 'utf8') === lockHash,
      )
    : 'there is no node_modules'
  if (reason === undefined) return 0
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    // `npm ci` empties the folder, and behind a link it is somebody else's.
    process.stderr.write(`node_modules is a link and does not fit here: ${reason}.\n`)
    process.stderr.write('Run npm ci where it leads to, or remove the link.\n')
    return 1
  }
  process.stderr.write(`Installing (npm ci): ${reason}.\n`)
  const [program, ...before] = npmCommand(modules)
  const args = [...before, 'ci', '--include=dev', '--include=optional', '--loglevel=error']
  const code = await runAndWait(program, args, { cwd: root })
  if (code === 0) writeFileSync(marker, lockHash)
  else
    process.stderr.write(
      'npm ci failed: see above. Repair that, then run the same command again.\n',
    )
  return code
}

/**
 * npm as a program and its first arguments, without a shell (npm.cmd would need one). Its Node must
 * not be the one in node_modules, which `npm ci` deletes.
 */
function npmCommand(modules) {
  const outside = (path) =>
    path !== undefined && !resolve(path).startsWith(modules + sep) && existsSync(path)
  const node = [process.env.npm_node_execpath, process.execPath].find(outside) ?? process.execPath
  const npm = [
    process.env.npm_execpath,
    join(dirname(node), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(node), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ].find((path) => path?.endsWith('npm-cli.js') === true && existsSync(path))
  return npm === undefined ? ['npm'] : [node, npm]
}
