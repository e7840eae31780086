/** Millrace as it is published: built, as whoever installs it runs it. First `buildPublished`. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type Millrace = typeof import('../../src/index.ts')
export type MillraceKafka = typeof import('../../src/kafka.ts')

/** @throws where it cannot be built */
export function buildPublished(): void {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`the build ended with ${status}`)
}

export async function loadPublished(): Promise<{ millrace: Millrace; door: MillraceKafka }> {
  const at = (file: string): string => new URL(`../../dist/${file}`, import.meta.url).href
  const millrace = (await import(at('index.js'))) as Millrace
  return { millrace, door: (await import(at('kafka.js'))) as MillraceKafka }
}
