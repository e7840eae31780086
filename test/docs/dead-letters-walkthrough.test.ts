/** docs/dead-letters.md, typed in as it stands there. */
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, readText, root } from './blocks.ts'
import { Walkthrough } from './walkthrough.ts'

const path = 'docs/dead-letters.md'
const tour = blocksOf(path, readText(path)).filter(({ directive }) => directive !== '')

let folder: string
let walkthrough: Walkthrough | null = null

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-dead-tour-')))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})

afterAll(() => {
  walkthrough?.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

test('the walk-through shows what the page says', async () => {
  walkthrough = new Walkthrough(folder)
  for (const block of tour) await walkthrough.take(block)
  expect(walkthrough.differences).toEqual([])
  expect(walkthrough.steps).toBe(tour.length)
  expect(tour.length).toBeGreaterThanOrEqual(15)
}, 60_000)
