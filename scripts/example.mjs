// `npm run example NAME [-- options]`: runs an example that is a program of its own.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const examples = fileURLToPath(new URL('../examples', import.meta.url))
const names = readdirSync(examples).filter((name) => existsSync(join(examples, name, 'main.ts')))
const [name, ...rest] = process.argv.slice(2)
if (!names.includes(name)) {
  process.stderr.write(`no example '${name ?? ''}'; there are: ${names.join(', ')}\n`)
  process.exit(2)
}
process.argv.splice(2, process.argv.length, ...rest)
await import(pathToFileURL(join(examples, name, 'main.ts')).href)
