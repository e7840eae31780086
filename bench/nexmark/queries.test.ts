/**
 * Every query against the checked sample: in order and not, in one task and four, with restarts.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { golden } from './golden.ts'
import { queries } from './queries.ts'
import type { Query, Row } from './query.ts'
import { runQuery } from './run-query.ts'
import { writeEvents } from './write-events.ts'

const events = { events: 10_000, profile: 'X', rate: 100 } as const
const dir = mkdtempSync(join(tmpdir(), 'millrace-nexmark-'))
const inOrder = join(dir, 'events.jsonl.gz')
const shuffled = join(dir, 'shuffled.jsonl')

beforeAll(async () => {
  await writeEvents(inOrder, events)
  await writeEvents(shuffled, { ...events, group: 1000 })
})
afterAll(() => rmSync(dir, { recursive: true }))

const runs = [
  ['in order', { input: inOrder, partitions: 1, restartEvery: null }],
  ['in order, restarted', { input: inOrder, partitions: 1, restartEvery: 700 }],
  ['4 partitions', { input: inOrder, partitions: 4, restartEvery: null }],
  ['4 partitions, restarted', { input: inOrder, partitions: 4, restartEvery: 700 }],
  ['disordered', { input: shuffled, partitions: 1, restartEvery: null }],
  ['disordered, 4 partitions, restarted', { input: shuffled, partitions: 4, restartEvery: 1700 }],
] as const

describe.each(Object.entries(golden))('%s', (id, { rows, sha256 }) => {
  test.each(runs)('%s', async (_title, options) => {
    const query = queries[id] as Query
    const result = await runQuery(query, options)
    const lines = id === 'q12' ? sums(result.lines) : result.lines
    expect({ late: result.late, dead: result.dead }).toEqual({ late: 0, dead: 0 })
    expect(lines).toHaveLength(rows)
    expect(hashOf(lines)).toBe(sha256)
    if (options.restartEvery !== null) expect(result.restarts).toBeGreaterThan(3)
  })
})

test('every query but q23 has a checked result', () => {
  expect(Object.keys(golden)).toEqual(Object.keys(queries).filter((id) => id !== 'q23'))
})

/** Bids of each bidder, over all windows. */
function sums(lines: readonly string[]): string[] {
  const counts = new Map<unknown, number>()
  for (const line of lines) {
    const { bidder, bid_count: bids } = JSON.parse(line) as Row
    counts.set(bidder, (counts.get(bidder) ?? 0) + Number(bids))
  }
  const rows = [...counts].map(([bidder, bids]) => JSON.stringify({ bidder, bid_count: bids }))
  return rows.toSorted((a, b) => (a < b ? -1 : 1))
}

function hashOf(lines: readonly string[]): string {
  return createHash('sha256')
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest('hex')
}
