/**
 * The type tests of this folder are compiled, not run: right uses without an annotation, wrong ones
 * behind `@ts-expect-error`, which fails when there is no error. One compilation takes the whole
 * tree, so that a type error anywhere is seen by `npm test` too.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('right uses compile, wrong ones do not', () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, '-p', root, '--pretty', 'false']
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(stdout).toBe('')
  expect(status).toBe(0)
}, 60_000)
