/** The files of the page, as they were built. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { MillraceError } from '../core/error.ts'

export interface PageFile {
  readonly type: string
  readonly bytes: Buffer
  readonly packed: Buffer
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** dist/dashboard/, seen from the sources of a clone and from the build. */
const folder = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/dashboard/' : '../dashboard/',
    import.meta.url,
  ),
)

/**
 * Path below the page's folder → file: read once, a few and small.
 * @throws `file-not-found` where it was not built
 */
export function readPage(from: string = folder): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const path of namesBelow(from)) {
    const type = types[extname(path)]
    if (type === undefined) continue
    const bytes = readFileSync(join(from, path))
    files.set(path, { type, bytes, packed: gzipSync(bytes) })
  }
  if (files.has('index.html')) return files
  throw new MillraceError('file-not-found', 'the page is not there: it has not been built', {
    at: { file: from },
    hint: 'in a clone, build it: npm run build:page',
  })
}

/** Whether there is a page to show: in a clone it may not be built yet. */
export function isPageBuilt(): boolean {
  return existsSync(join(folder, 'index.html'))
}

function namesBelow(from: string): string[] {
  try {
    return readdirSync(from, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(from.length))
      .map((path) => path.replaceAll('\\', '/').replace(/^\//, ''))
  } catch {
    return []
  }
}
