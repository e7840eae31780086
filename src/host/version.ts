/** The version of the package this file belongs to. */
import { readFileSync } from 'node:fs'

/** Read, not imported, so that the built code finds the manifest of the installed package. */
export function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
