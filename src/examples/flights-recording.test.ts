/** On the first rows of the real file. */
import assert from 'node:assert/strict'
import { beforeAll, test } from 'vitest'
import { replay } from '../connect/sources/replay.ts'
import type { Recording, RecordingRow, ReplayPosition } from '../connect/sources/replay.ts'
import { systemClock, VirtualClock } from '../core/clock.ts'
import { seededRandom } from '../core/random.ts'
import type { Flight } from './flights-recording.ts'
import { flightsRecording } from './flights-recording.ts'

const rowCount = 30_000
let recording: Recording
let rows: RecordingRow[]

beforeAll(async () => {
  recording = await flightsRecording(systemClock)
  rows = []
  for await (const chunk of recording.rows(0)) {
    rows.push(...chunk)
    if (rows.length >= rowCount) break
  }
}, 30_000)

const rowOf = (record: { value: string | Uint8Array | null }): number =>
  (JSON.parse(String(record.value)) as Flight).row

/** The first rows given from a position on. */
const context = {
  signal: new AbortController().signal,
  clock: new VirtualClock(),
  random: seededRandom(1),
  notice: () => {},
}

async function replayed(
  from: ReplayPosition | null,
  count: number,
): Promise<{
  rows: number[]
  positions: ReplayPosition[]
}> {
  const source = replay({ recording, speed: Infinity })
  const given: number[] = []
  const positions: ReplayPosition[] = []
  for await (const batch of source.open(from, context)) {
    given.push(...batch.records.map(rowOf))
    positions.push(batch.position)
    if (given.length >= count) break
  }
  return { rows: given, positions }
}

test('rows are numbered and sorted by scheduled time', () => {
  assert.deepEqual(JSON.parse(String(rows[0]?.value)), {
    row: 0,
    scheduled: '2001-01-01T00:01:00.000Z',
    delay: 33,
    distance: 2176,
    origin: 'LAS',
    destination: 'PHL',
  })
  for (const [i, row] of rows.entries()) {
    const flight = JSON.parse(String(row.value)) as Flight
    assert.equal(flight.row, i)
    assert.equal(row.key, flight.origin)
    assert.equal(row.time, Date.parse(flight.scheduled))
    assert.equal(row.arrivesAt, row.time + flight.delay * 60_000)
    assert.ok(i === 0 || row.time >= (rows[i - 1]?.time ?? 0))
  }
})

test('reading can begin at any row, also across row groups', async () => {
  for (const from of [1, 12_345, 272_726]) {
    for await (const chunk of recording.rows(from)) {
      assert.equal(rowOf(chunk[0] as RecordingRow), from)
      break
    }
  }
})

test('the replay gives them as they became known, and goes on at any commit', async () => {
  // What arrives before the last row's earliest possible arrival is complete.
  const completeMs = (rows.at(-1)?.time ?? 0) - recording.earlyMsMax
  const expected = [...rows.entries()]
    .filter(([, { arrivesAt }]) => arrivesAt < completeMs)
    .toSorted(([i, a], [j, b]) => a.arrivesAt - b.arrivesAt || i - j)
    .map(([i]) => i)
  assert.ok(expected.length > 5_000, `${expected.length} rows`)
  const whole = await replayed(null, expected.length)
  assert.deepEqual(whole.rows.slice(0, expected.length), expected)
  const random = seededRandom(7)
  for (let i = 0; i < 3; i++) {
    const position = whole.positions[random.int(whole.positions.length - 1)] as ReplayPosition
    const rest = await replayed(position, expected.length - position.rowCount)
    const wished = expected.slice(position.rowCount)
    assert.deepEqual(rest.rows.slice(0, wished.length), wished)
    assert.ok(position.scanFrom > 0 || position.rowCount < 1_000, JSON.stringify(position))
  }
})

test('it is out of order: some are known hours after those they belong to', async () => {
  const { rows: given } = await replayed(null, 15_000)
  let newestMs = 0
  let veryLate = 0
  let behind = 0
  for (const row of given) {
    const time = rows[row]?.time ?? 0
    if (time < newestMs) behind += 1
    if (newestMs - time > 5 * 3_600_000) veryLate += 1
    newestMs = Math.max(newestMs, time)
  }
  assert.ok(behind > given.length / 2, `${behind} behind the newest`)
  assert.ok(veryLate >= 10, `${veryLate} very late`)
})
