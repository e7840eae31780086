import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../../core/error.ts'
import { loadLibrary } from './library.ts'

function notFound(name: string): () => Promise<never> {
  const text = `Cannot find package '${name}' imported from /somewhere`
  return () => Promise.reject(Object.assign(new Error(text), { code: 'ERR_MODULE_NOT_FOUND' }))
}

test('the library is there', async () => {
  assert.equal(typeof (await loadLibrary()).Connection, 'function')
})

test('without the library the error says how to get it', async () => {
  await assert.rejects(loadLibrary(notFound('@platformatic/kafka')), (error) => {
    assert.ok(isCode(error, 'missing-dependency'))
    assert.equal(error.hint, 'npm install @platformatic/kafka')
    return true
  })
})

test('a library that is there but broken is not called missing', async () => {
  await assert.rejects(loadLibrary(notFound('fastq')), /fastq/)
  await assert.rejects(
    loadLibrary(() => Promise.reject(new SyntaxError('bad'))),
    SyntaxError,
  )
})
