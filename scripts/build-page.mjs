// Builds the page into dist/dashboard/, where its sources have changed since it was built last.
// Called before what needs it (start, test, bench, build); `npm run build:page` builds it anew.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sources = join(root, 'dashboard')
const built = join(root, 'dist', 'dashboard')
const stamp = join(built, '.sources')

/**
 * @param options `isForced`: also where nothing has changed; `isStamped`: later calls are to know
 * what it was built from
 */
export async function buildPage({ isForced = false, isStamped = true } = {}) {
  const hash = hashOfSources()
  const isCurrent = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash
  if (isCurrent && !isForced) return
  const { build } = await import('vite')
  await build({ configFile: join(sources, 'vite.config.ts'), logLevel: 'warn' })
  if (isStamped) writeFileSync(stamp, hash)
}

function hashOfSources() {
  const hash = createHash('sha256')
  const files = readdirSync(sources, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  for (const path of [...files.toSorted(), join(root, 'package-lock.json')]) {
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage({ isForced: process.argv.includes('--force') })
}
