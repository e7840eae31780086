import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { isCode } from '../core/error.ts'
import { readPage } from './page-files.ts'
import { pageRoutes } from './page-routes.ts'
import { Refusal } from './refusal.ts'
import { type Reply, Router } from './route.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'assets'))
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Millrace</title>')
writeFileSync(join(folder, 'assets', 'index-a1.js'), 'export {}')
writeFileSync(join(folder, '.sources'), 'abc')
writeFileSync(join(folder, 'assets', 'notes.txt'), 'not a file of the page')

const router = new Router(pageRoutes(readPage(folder)))

async function get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
  const { route, ...found } = router.find('GET', path)
  expect(route.isOpen).toBe(true)
  const request = { headers } as unknown as IncomingMessage
  return (await route.handle({ ...found, request, begin: () => {} })) as Reply
}

test('the page and its files, packed where the client takes that', async () => {
  const page = await get('/')
  expect([page.status, page.contentType]).toEqual([200, 'text/html; charset=utf-8'])
  expect((page.body as Buffer).toString()).toContain('<title>Millrace</title>')
  const script = await get('/assets/index-a1.js', { 'accept-encoding': 'br, gzip' })
  expect(script.contentType).toBe('text/javascript; charset=utf-8')
  expect(script.headers?.['Content-Encoding']).toBe('gzip')
  expect(gunzipSync(script.body as Buffer).toString()).toBe('export {}')
  expect(script.headers?.['Cache-Control']).toContain('immutable')
})

test('no script and no style but its own may run, and nothing may frame it', async () => {
  const { headers = {} } = await get('/')
  const policy = headers['Content-Security-Policy'] ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).toContain("style-src 'self'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
})

test.each([
  '/assets/notes.txt',
  '/assets/nothing.js',
  '/assets/..%2findex.html',
  '/assets/%2e%2e',
  '/assets/.sources',
  '/.sources',
  '/assets/a%00.js',
])('%s is no file of the page', async (path) => {
  await expect(async () => await get(path)).rejects.toThrow(Refusal)
})

test('a page that was not built is missing, with what to do', () => {
  expect.assertions(2)
  try {
    readPage(join(folder, 'assets'))
  } catch (thrown) {
    expect(isCode(thrown, 'file-not-found')).toBe(true)
    expect((thrown as { hint?: string }).hint).toContain('npm run build:page')
  }
})
