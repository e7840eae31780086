/** How a pipeline file and what it imports are resolved and read. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

const doors = { millrace: 'index', 'millrace/testing': 'testing', 'millrace/msgpack': 'msgpack' }

/**
 * From now on, for all imports:
 * - `millrace` is the installation that runs, wherever the file lies, also outside of any project:
 *   two copies would have two classes of everything.
 * - A file of the user's with `import` or `export` is an ES module, whatever `type` the nearest
 *   package.json has: `npm init` writes `commonjs`.
 */
export function hookModules(): void {
  // Run from source, the doors are source, too.
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const urls = new Map(
    Object.entries(doors).map(([door, file]) => [
      door,
      new URL(`../${file}.${suffix}`, import.meta.url).href,
    ]),
  )
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = urls.get(specifier)
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
    },
    load: (url, context, next) => {
      const format = needsFormat(url, context.format) ? moduleFormat(url) : null
      return next(url, format === null ? context : { ...context, format })
    },
  })
}

/** Where no `type: module` says it: nothing is said, or CommonJS. */
function needsFormat(url: string, format: string | null | undefined): boolean {
  const isKnown = format?.startsWith('module') === true
  return !isKnown && /^file:.*\.[jt]s$/.test(url) && !url.includes('/node_modules/')
}

const moduleSyntax = /^(?:import|export)(?:\s+[\w{*'"]|[{*'"])/m

function moduleFormat(url: string): 'module' | 'module-typescript' | null {
  if (!moduleSyntax.test(readFileSync(fileURLToPath(url), 'utf8'))) return null
  return url.endsWith('.ts') ? 'module-typescript' : 'module'
}
