// Builds what is published: dist/ with JavaScript, declarations and source maps.
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPage } from './build-page.mjs'
import { runAndWait } from './pinned-node.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
rmSync(join(root, 'dist'), { recursive: true, force: true })
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
process.exitCode = await runAndWait(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  cwd: root,
})
if (process.exitCode === 0) await buildPage({ isForced: true, isStamped: false })
