import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import type { ErrorCode } from '../core/error.ts'
import { isCode } from '../core/error.ts'
import { importFault } from './import-fault.ts'
import { asFileFault, loadPipelineFile, pipelinesIn } from './pipeline-file.ts'

const fault = (code: ErrorCode, text: RegExp) => (thrown: unknown) =>
  isCode(thrown, code) && text.test(thrown.message) && thrown.hint !== undefined

test('a file that is not there, and a directory, are file-not-found', async () => {
  await assert.rejects(loadPipelineFile('nowhere.ts'), fault('file-not-found', /nowhere\.ts/))
  await assert.rejects(loadPipelineFile(tmpdir()), fault('file-not-found', /is no file/))
})

test('no default export is invalid-pipeline-file, with what to write', () => {
  const file = { file: 'p.ts', name: 'p', pipelines: null }
  assert.throws(() => pipelinesIn(file), fault('invalid-pipeline-file', /no default export/))
})

test('a default export that is no pipeline is the fault of the file, a bad plan is not', () => {
  const pipeline = { kind: 'pipeline', name: null, sinks: [], feeds: [] } as const
  const bad = { file: 'p.ts', name: 'p', pipelines: 5 as never }
  const good = { file: 'p.ts', name: 'p', pipelines: pipeline }
  const thrown = importFault(new Error('boom'), { file: 'p.ts', path: '/p.ts' })
  assert.equal(asFileFault(thrown, bad), thrown)
  assert.equal(asFileFault('x', good), 'x')
})

test('what a file throws while it is loaded is told with its line, without a stack', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-file-'))
  const path = join(dir, 'throws.mjs')
  writeFileSync(path, "\nthrow new RangeError('too much')\n")
  await assert.rejects(loadPipelineFile(path), (thrown) => {
    assert.ok(isCode(thrown, 'invalid-pipeline-file'))
    assert.match(thrown.message, /RangeError thrown while loading: too much/)
    assert.equal(thrown.at.line, 2)
    return true
  })
  rmSync(dir, { recursive: true, force: true })
})
