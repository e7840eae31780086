import assert from 'node:assert/strict'
import { test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { SourceBatch } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { replay } from './replay.ts'
import type { Recording, RecordingRow, ReplayPosition } from './replay.ts'

const minute = 60_000
const random = seededRandom(1)
const startMs = Date.UTC(2001, 0, 1)

/** Rows half a minute apart, that become known up to 20 minutes early and 3 hours late. */
function madeUp(rowCount: number, seed: number): RecordingRow[] {
  const random = seededRandom(seed)
  return Array.from({ length: rowCount }, (_, i) => {
    const time = startMs + Math.floor(i / 2) * minute
    const delayMs = (random.int(10) === 0 ? random.int(180) : random.int(30) - 20) * minute
    return { key: `k${i % 3}`, value: `row ${i}`, time, arrivesAt: time + delayMs }
  })
}

function recordingOf(rows: readonly RecordingRow[], earlyMsMax = 20 * minute): Recording {
  return {
    name: 'made-up',
    earlyMsMax,
    async *rows(row) {
      for (let at = row; at < rows.length; at += 7) yield rows.slice(at, at + 7)
    },
  }
}

/** What it shall give: all rows by (arrival, number), found by sorting them. */
function inOrder(rows: readonly RecordingRow[]): (string | Uint8Array | null)[] {
  return [...rows.entries()]
    .toSorted(([i, a], [j, b]) => a.arrivesAt - b.arrivesAt || i - j)
    .map(([, { value }]) => value)
}

async function all(
  recording: Recording,
  options: { speed?: number; from?: ReplayPosition } = {},
): Promise<SourceBatch<ReplayPosition>[]> {
  const clock = new VirtualClock()
  const source = replay({ recording, speed: options.speed ?? Infinity })
  const batches: SourceBatch<ReplayPosition>[] = []
  const iterator = source
    .open(options.from ?? null, {
      signal: new AbortController().signal,
      clock,
      random,
      notice: () => {},
    })
    [Symbol.asyncIterator]()
  for (;;) {
    let isPending = true
    const next = iterator.next().finally(() => {
      isPending = false
    })
    next.catch(() => {}) // awaited below
    while (isPending) {
      await systemClock.nextTurn()
      if (isPending) clock.advance(50)
    }
    const { done, value } = await next
    if (done === true) return batches
    batches.push(value)
  }
}

const valuesOf = (batches: readonly SourceBatch<ReplayPosition>[]): unknown[] =>
  batches.flatMap(({ records }) => records.map(({ value }) => value))

defineSourceConformance<ReplayPosition>(test, {
  name: 'replay',
  source: () => replay({ recording: recordingOf(madeUp(600, 1)), speed: 3600 }),
  compare: (a, b) => a.arrivesAt - b.arrivesAt || a.row - b.row,
  stepMs: 50,
  batchesMax: 60,
  openLog: openMemoryLog,
})

test.for([1, 2, 3])('rows come by arrival, then by number, each once (seed %i)', async (seed) => {
  const rows = madeUp(3000, seed)
  assert.deepEqual(valuesOf(await all(recordingOf(rows))), inOrder(rows))
})

test('resumed at any position it gives the rest', async () => {
  const rows = madeUp(300, 4)
  const expected = inOrder(rows)
  const batches = await all(recordingOf(rows), { speed: 3600 })
  assert.ok(batches.length > 50, `${batches.length} batches`)
  for (const { position } of batches) {
    const rest = valuesOf(await all(recordingOf(rows), { from: position }))
    assert.deepEqual(rest, expected.slice(position.rowCount))
  }
})

test('after a restart it reads from the first row not given, not from the beginning', async () => {
  const rows = madeUp(3000, 5)
  const batches = await all(recordingOf(rows), { speed: 3600 })
  const { position } = batches[Math.floor(batches.length / 2)] as SourceBatch<ReplayPosition>
  let readFrom = -1
  const watched: Recording = {
    ...recordingOf(rows),
    rows(row) {
      readFrom = row
      return recordingOf(rows).rows(row)
    },
  }
  await all(watched, { from: position })
  const given = new Set(inOrder(rows).slice(0, position.rowCount))
  const firstNotGiven = rows.findIndex(({ value }) => !given.has(value))
  assert.equal(readFrom, firstNotGiven)
  assert.ok(readFrom > 1000, `${readFrom}`)
})

test('its clock runs at the speed, starts at the first row and goes on after a pause', async () => {
  const rows: RecordingRow[] = [0, 1, 2, 3].map((i) => {
    const time = startMs + i * 60 * minute
    return { key: null, value: String(i), time, arrivesAt: time }
  })
  const clock = new VirtualClock()
  const source = replay({ recording: recordingOf(rows), speed: 3600 })
  const arrivals = async (from: ReplayPosition | null, count: number): Promise<number[]> => {
    const openedMs = clock.now()
    const stopping = new AbortController()
    const iterator = source
      .open(from, { signal: stopping.signal, clock, random, notice: () => {} })
      [Symbol.asyncIterator]()
    const seen: number[] = []
    while (seen.length < count) {
      let isPending = true
      const next = iterator.next().finally(() => {
        isPending = false
      })
      while (isPending) {
        await systemClock.nextTurn()
        if (isPending) clock.advance(10)
      }
      assert.notEqual((await next).done, true)
      seen.push(clock.now() - openedMs)
    }
    stopping.abort()
    return seen
  }
  const near = (seen: number[], wished: number[]): void => {
    assert.equal(seen.length, wished.length)
    for (const [i, at] of seen.entries())
      assert.ok(Math.abs(at - (wished[i] ?? 0)) <= 60, `${seen}`)
  }
  near(await arrivals(null, 3), [0, 1000, 2000])
  clock.advance(10 * 60 * minute)
  const second = { arrivesAt: startMs + 60 * minute, row: 1, scanFrom: 2, rowCount: 2 }
  near(await arrivals(second, 2), [1000, 2000])
})

test('a row known earlier than declared, and rows out of order, are refused', async () => {
  const refused = async (rows: RecordingRow[], text: RegExp): Promise<void> => {
    const thrown: unknown = await all(recordingOf(rows)).catch((error: unknown) => error)
    assert.ok(isCode(thrown, 'invalid-argument'), String(thrown))
    assert.match(thrown.message, text)
  }
  const row = (time: number, arrivesAt: number): RecordingRow => ({
    key: null,
    value: '',
    time,
    arrivesAt,
  })
  await refused([row(startMs, startMs - 21 * minute)], /row 0 .* 1260000 ms early/)
  await refused([row(startMs, startMs), row(startMs - 1, startMs)], /row 1 .* has the time/)
})

test.for([0, -1, Number.NaN])('speed %d is refused', (speed) => {
  assert.throws(
    () => replay({ recording: recordingOf([]), speed }),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
})

test('an empty recording ends at once', async () => {
  assert.deepEqual(await all(recordingOf([])), [])
})
