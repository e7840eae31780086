/** `npx node test/docs/update.ts`: writes the pages of docs/reference/ anew. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './blocks.ts'
import { pages } from './reference.ts'

for (const [page, make] of Object.entries(pages)) {
  const path = join(root, page)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, await make())
  process.stdout.write(`wrote ${page}\n`)
}
