/** docs/http.md, typed in as it stands there, on a port that is free. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, readText, root } from './blocks.ts'
import { normalized, Walkthrough } from './walkthrough.ts'

const path = 'docs/http.md'
const tour = blocksOf(path, readText(path)).filter(({ directive }) => directive !== '')

let folder: string
let walkthrough: Walkthrough | null = null

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-http-tour-')))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})

afterAll(() => {
  walkthrough?.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

test.skipIf(!hasCurl())(
  'the walk-through shows what the page says',
  async () => {
    walkthrough = new Walkthrough(folder, {
      insteadOf: { ':7070': `:${await freePort()}`, '--http 7070': `--http ${await freePort()}` },
      normalize: normalized,
    })
    for (const block of tour) await walkthrough.take(block)
    expect(walkthrough.differences).toEqual([])
    expect(walkthrough.steps).toBe(tour.length)
    expect(tour.length).toBeGreaterThanOrEqual(7)
  },
  60_000,
)

/** The same for the whole test. */
let port: Promise<number> | null = null

function freePort(): Promise<number> {
  port ??= new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo
      server.close(() => resolve(free))
    })
  })
  return port
}

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
