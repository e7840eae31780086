// Adds to package-lock.json the packages for other platforms that the registry in use does not
// carry: without them
// `npm ci` refuses the lock file. Version, os, cpu and libc follow from the parent and the name;
// there is no checksum for what could not be seen. Run after every change of dependencies: node
// scripts/complete-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs'

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8'))
const packages = lock.packages
const systems = 'android|darwin|freebsd|linux|openharmony|win32|aix|sunos|netbsd|openbsd|wasm32'
const processors = 'arm64|arm|x64|ia32|ppc64|riscv64|s390x|loong64|mips64el|wasi'
const libraries = 'gnu|musl|gnueabihf|musleabihf|eabi|msvc'
const platform = new RegExp(`(?:^|[-/])(${systems})-?(${processors})?(?:-(${libraries}))?$`)

function entryFor(parent, from, version, [, system, processor, library]) {
  const entry = { version }
  if (system === 'wasm32') entry.cpu = ['wasm32']
  else if (processor !== undefined) entry.cpu = [processor]
  if (parent.dev || (from !== '' && packages[from].dev)) entry.dev = true
  if (library?.startsWith('gnu')) entry.libc = ['glibc']
  if (library?.startsWith('musl')) entry.libc = ['musl']
  entry.optional = true
  if (system !== 'wasm32') entry.os = [system]
  if (parent.peer) entry.peer = true
  return entry
}

let added = 0
for (const [from, parent] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (packages[`node_modules/${name}`] ?? packages[`${from}/node_modules/${name}`]) continue
    const match = platform.exec(name)
    if (match === null || !/^\d/.test(version)) {
      console.error(`no platform in the name ${name} ${version} (of ${from}): add it by hand`)
      process.exitCode = 1
      continue
    }
    packages[`node_modules/${name}`] = entryFor(parent, from, version, match)
    added += 1
  }
}
const { '': root, ...rest } = packages
const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'))
lock.packages = { '': root, ...Object.fromEntries(sorted) }
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} packages added`)
