// In a clone, `dist/` holds one-line doors onto the sources, so that `import 'millrace'` in an
// example resolves to the code being worked on. `npm pack` replaces them by the real build, then
// puts them back. Runs on any Node >= 20.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)

/** Writes dist/<door>.js and dist/<door>.d.ts for each entry of `exports`. */
export function writeDoors() {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  rmSync(fileURLToPath(new URL('dist', root)), { recursive: true, force: true })
  mkdirSync(new URL('dist/', root), { recursive: true })
  for (const door of Object.values(exports)) {
    if (typeof door === 'string') continue
    const name = door.default.replace('./dist/', '').replace('.js', '')
    const body = `export * from '../src/${name}.ts'\n`
    writeFileSync(new URL(`dist/${name}.js`, root), body)
    writeFileSync(new URL(`dist/${name}.d.ts`, root), body)
  }
}

// npm runs `prepare` inside pack and publish too, after `prepack`: the build must stay then.
const isPacking = ['pack', 'publish'].includes(process.env.npm_command ?? '')
if (process.argv[1] === fileURLToPath(import.meta.url) && !isPacking) writeDoors()
