/**
 * The suite is tested: a right source passes it, each wrong one is rejected by the case it breaks.
 */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Clock } from '../core/clock.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { pause } from './pause.ts'
import type { Source, SourceBatch } from './source.ts'
import { defineSourceConformance, sourceConformance, sourceSubjects } from './source.conformance.ts'
import type { SourceCaseId, SourceSubject } from './source.conformance.ts'

type Rows = (
  position: number | null,
  signal: AbortSignal,
  clock: Clock,
) => AsyncIterable<SourceBatch<number>>

const record = (i: number): { key: string; value: string; time: number } => ({
  key: `k${i}`,
  value: `v${i}`,
  time: i,
})

/** Two records every 10 ms; the position is the number of records given. */
async function* right(
  position: number | null,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<SourceBatch<number>, void> {
  for (let next = position ?? 0; ; next += 2) {
    await pause(clock, 10, signal)
    if (signal.aborted) return
    yield { records: [record(next), record(next + 1)], position: next + 2 }
  }
}

function subjectOf(name: string, rows: Rows): SourceSubject<number> {
  return {
    name,
    source: (): Source<number> => ({
      kind: 'source',
      name: 'counting',
      type: 'counting',
      replayable: true,
      open: (position, { signal, clock }) => rows(position, signal, clock),
    }),
    compare: (a, b) => a - b,
    stepMs: 10,
    batchesMax: 20,
    openLog: openMemoryLog,
  }
}

const wrong: readonly { name: string; breaks: SourceCaseId; rows: Rows }[] = [
  {
    name: 'starts one record too early',
    breaks: 'S1',
    rows: (position, signal, clock) => right(Math.max(0, (position ?? 0) - 1), signal, clock),
  },
  {
    name: 'starts one record too early',
    breaks: 'S5',
    rows: (position, signal, clock) => right(Math.max(0, (position ?? 0) - 1), signal, clock),
  },
  {
    name: 'starts from the beginning',
    breaks: 'S5',
    rows: (_, signal, clock) => right(null, signal, clock),
  },
  {
    name: 'never moves its position',
    breaks: 'S2',
    async *rows(position, signal, clock) {
      for await (const { records } of right(position, signal, clock)) yield { records, position: 2 }
    },
  },
  {
    name: 'does not hear the signal while it waits',
    breaks: 'S3',
    rows: (position, _, clock) => right(position, new AbortController().signal, clock),
  },
  {
    name: 'gives all that piled up as one batch',
    breaks: 'S4',
    async *rows(_, signal, clock) {
      let next = 0
      for (;;) {
        await pause(clock, 10, signal)
        if (signal.aborted) return
        const dueCount = (clock.now() - 1_700_000_000_000) / 10
        const records = []
        while (next < dueCount) records.push(record(next++))
        yield { records, position: next }
      }
    },
  },
]

defineSourceConformance(test, subjectOf('a counting source', right))

for (const { name, breaks, rows } of wrong) {
  test(`${breaks} the suite rejects a source that ${name}`, async () => {
    const cases = sourceConformance.filter((one) => one.id === breaks)
    const failed = []
    for (const one of cases) {
      await one.run(subjectOf(name, rows)).catch((error: unknown) => failed.push(error))
    }
    assert.ok(failed.length > 0, `every case of ${breaks} passed`)
  })
}

test('every subject has a case; titles start with the id and are unique', () => {
  const ids = new Set(sourceConformance.map(({ id }) => id))
  assert.deepEqual([...ids].toSorted(), Object.keys(sourceSubjects))
  const titles = sourceConformance.map(({ title }) => title)
  assert.equal(new Set(titles).size, titles.length)
  for (const { id, title } of sourceConformance) assert.ok(title.startsWith(`${id} `), title)
})

test('a live source skips what needs a replay, and its titles say so', () => {
  const skipped: string[] = []
  const run: string[] = []
  const define = Object.assign((title: string) => run.push(title), {
    skip: (title: string) => skipped.push(title),
  })
  const subject = subjectOf('live', right)
  defineSourceConformance(define, {
    ...subject,
    source: () => ({ ...subject.source(), replayable: false }),
  })
  assert.equal(skipped.length, sourceConformance.filter((one) => one.needs === 'replayable').length)
  assert.equal(skipped.length + run.length, sourceConformance.length)
  for (const title of skipped) assert.match(title, /live, not replayable/)
})
