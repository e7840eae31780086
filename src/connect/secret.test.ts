import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { secret } from './secret.ts'

test('a secret is what is given, or what is found', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-secret-'))
  try {
    writeFileSync(join(dir, 'token'), 'sesame\n')
    expect(await secret('open')).toBe('open')
    expect(await secret({ file: join(dir, 'token') })).toBe('sesame')
    process.env['MILLRACE_TEST_SECRET'] = 'from outside'
    expect(await secret({ env: 'MILLRACE_TEST_SECRET' })).toBe('from outside')
  } finally {
    delete process.env['MILLRACE_TEST_SECRET']
    rmSync(dir, { recursive: true, force: true })
  }
})

test('what is not there is said', async () => {
  const unset = { env: 'MILLRACE_TEST_UNSET' }
  await expect(secret(unset)).rejects.toMatchObject({ code: 'invalid-argument' })
  const missing = { file: '/nowhere/token' }
  await expect(secret(missing)).rejects.toMatchObject({ code: 'file-not-found' })
  await expect(secret(5 as never)).rejects.toMatchObject({ code: 'invalid-argument' })
})
