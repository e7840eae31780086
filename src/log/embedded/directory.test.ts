import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { makeDirectory } from './directory.ts'

test('makes what is missing, and is content with what is there', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-dir-'))
  const path = join(dir, 'a', 'b', 'c')
  makeDirectory(path)
  makeDirectory(path)
  assert.ok(statSync(path).isDirectory())
  rmSync(dir, { recursive: true })
})

test('a file in the way is said so', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-dir-'))
  const file = join(dir, 'file')
  writeFileSync(file, '')
  for (const path of [file, join(file, 'below')]) {
    assert.throws(
      () => makeDirectory(path),
      (thrown) => isCode(thrown, 'invalid-argument') && thrown.message.includes('not a directory'),
    )
  }
  rmSync(dir, { recursive: true })
})

test('where nothing can be made it ends with an error', (context) => {
  if (!existsSync('/proc/self')) return context.skip('there is no /proc on this system')
  assert.throws(
    () => makeDirectory('/proc/millrace'),
    (thrown) => isCode(thrown, 'log-failed') || isCode(thrown, 'log-read-only'),
  )
})
