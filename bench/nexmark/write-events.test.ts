import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { generate } from './generator.ts'
import { writeEvents } from './write-events.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-nexmark-write-'))
afterAll(() => rmSync(dir, { recursive: true }))

const linesOf = (events: number): string =>
  [...generate({ events, group: 7 })].map((event) => `${JSON.stringify(event)}\n`).join('')

// Around the number of lines that are given to the file at once, too.
test.each([0, 1, 999, 1000, 1001, 2500])('%i events, each a line', async (events) => {
  const path = join(dir, `${events}.jsonl`)
  await writeEvents(path, { events, group: 7 })
  expect(readFileSync(path, 'utf8')).toBe(linesOf(events))
})

test('gzipped by the name', async () => {
  const path = join(dir, 'events.jsonl.gz')
  await writeEvents(path, { events: 2500, group: 7 })
  expect(gunzipSync(readFileSync(path)).toString()).toBe(linesOf(2500))
})

test('a file that cannot be made is an error, not a promise that never ends', async () => {
  const path = join(dir, 'missing', 'events.jsonl')
  await expect(writeEvents(path, { events: 2500 })).rejects.toMatchObject({ code: 'ENOENT' })
})
