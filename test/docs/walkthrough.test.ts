/** The README's walk-through, typed in as it stands there: what it shows is what comes. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, readText } from './blocks.ts'
import type { Block } from './blocks.ts'
import { normalized, Walkthrough } from './walkthrough.ts'

const blocks = blocksOf('README.md', readText('README.md'))
const tour = blocks.filter(({ directive }) => directive !== '')

let folder: string
let walkthrough: Walkthrough

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-tour-')))
  walkthrough = new Walkthrough(folder)
})

afterAll(() => {
  walkthrough?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

test('every command of the walk-through is typed in', () => {
  const forgotten = blocks
    .filter(({ section, language }) => section === 'The first five minutes' && language === 'sh')
    .filter(({ directive }) => directive === '')
  expect(forgotten).toEqual([])
  expect(tour.length).toBeGreaterThanOrEqual(8)
})

test('the walk-through shows what the page says', async () => {
  for (const block of tour) await walkthrough.take(block)
  expect(walkthrough.differences).toEqual([])
  expect(walkthrough.steps).toBe(tour.length)
}, 60_000)

test('something else, a failing command and a strange directive are noticed', async () => {
  const block = (directive: string, text: string): Block => ({
    path: 'sample.md',
    line: 3,
    language: 'sh',
    text,
    directive,
    section: '',
  })
  const there = new Walkthrough(folder)
  await there.take(block('run', 'echo one; echo two >&2'))
  await there.take(block('output', 'one\ntwo'))
  expect(there.differences).toEqual([])
  await there.take(block('output', 'one\nthree'))
  expect(there.differences).toHaveLength(1)
  await expect(there.take(block('run', 'npx millrace topics describe no-such'))).rejects.toThrow(
    'ended with 1',
  )
  await expect(there.take(block('walk', ''))).rejects.toThrow("no directive 'docs: walk'")
  expect(normalized('size   12.5 KiB\n')).toBe(normalized('size 1 B'))
})
