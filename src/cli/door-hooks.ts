/**
 * Lets a pipeline file import `millrace` wherever it lies, also outside of any project, and always
 * from the installation that runs it: two copies would have two classes of everything.
 */
import { registerHooks } from 'node:module'

const doors = { millrace: 'index', 'millrace/testing': 'testing', 'millrace/msgpack': 'msgpack' }

/** Works for all imports from now on. */
export function hookDoors(): void {
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
  })
}
