/** Every query against the batch oracle, on streams of other sizes, rates and orders. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { generate } from './generator.ts'
import { oracle } from './oracle/oracle.ts'
import type { OracleId } from './oracle/oracle.ts'
import { rowsToLines } from './oracle/rows.ts'
import { queries } from './queries.ts'
import type { Query } from './query.ts'
import { runQuery } from './run-query.ts'
import { writeEvents } from './write-events.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-nexmark-'))
afterAll(() => rmSync(dir, { recursive: true }))

const streams = [
  { events: 3000, rate: 20, group: 7, partitions: 3, restartEvery: 400 },
  { events: 4000, rate: 10_000, group: 1, partitions: 1, restartEvery: null },
] as const

describe.each(streams)('$events events at $rate/s, groups of $group', (stream) => {
  const { partitions, restartEvery, ...options } = stream
  const all = [...generate({ ...options, profile: 'X' })]
  const input = join(dir, `${stream.rate}.jsonl`)
  test.each(Object.keys(queries).filter((id) => id !== 'q12'))('%s', async (id) => {
    await writeEvents(input, { ...options, profile: 'X' })
    const { lines } = await runQuery(queries[id] as Query, { input, partitions, restartEvery })
    expect(lines).toEqual(rowsToLines(oracle[id as OracleId](all)))
  })
})
