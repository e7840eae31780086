import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { loadParquet } from './write-parquet.ts'

test('without the package it is told what to install; another fault stays what it is', async () => {
  const missing = new Error("Cannot find package 'hyparquet-writer' imported from x.js")
  await assert.rejects(
    loadParquet(() => Promise.reject(missing)),
    (error) => isCode(error, 'missing-dependency') && /npm install/.test(error.hint ?? ''),
  )
  const other = new Error('its code is broken')
  await assert.rejects(
    loadParquet(() => Promise.reject(other)),
    (error) => error === other,
  )
})
