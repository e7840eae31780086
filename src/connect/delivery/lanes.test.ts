import assert from 'node:assert/strict'
import { test } from 'vitest'
import { seededRandom } from '../../core/random.ts'
import { Lanes } from './lanes.ts'
import type { Parcel } from './lanes.ts'

interface Row {
  readonly laneKey: string | null
  readonly number: number
}

const row = (laneKey: string | null, number: number): Row => ({ laneKey, number })
const numbers = (parcel: Parcel<Row> | null): number[] | null =>
  parcel === null ? null : parcel.records.map(({ number }) => number)

test('D1 a lane gives nothing while its records are being tried', () => {
  const lanes = new Lanes<Row>()
  for (const one of [row('a', 0), row('a', 1), row('b', 2)]) lanes.add(one)
  const first = lanes.take(1)
  assert.deepEqual(numbers(first), [0])
  assert.deepEqual(numbers(lanes.take(1)), [2])
  assert.equal(lanes.take(1), null)
  lanes.done(first as Parcel<Row>)
  assert.deepEqual(numbers(lanes.take(1)), [1])
})

test('several of a lane are given together, in order; lanes take turns', () => {
  const lanes = new Lanes<Row>()
  for (const [i, key] of ['a', 'a', 'a', 'b', 'c'].entries()) lanes.add(row(key, i))
  const first = lanes.take(2) as Parcel<Row>
  assert.deepEqual(numbers(first), [0, 1])
  lanes.done(first)
  assert.deepEqual(numbers(lanes.take(2)), [3, 4])
  assert.deepEqual(numbers(lanes.take(2)), [2])
})

test('records without key wait for nobody', () => {
  const lanes = new Lanes<Row>()
  for (let i = 0; i < 3; i++) lanes.add(row(null, i))
  assert.deepEqual([lanes.take(1), lanes.take(1), lanes.take(1)].map(numbers), [[0], [1], [2]])
})

test('D1 at random: each record once, in order, never two parcels of a lane', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed)
    const lanes = new Lanes<Row>()
    const total = 100 + random.int(200)
    const out: Parcel<Row>[] = []
    const given: number[] = []
    const last = new Map<string, number>()
    let added = 0
    const busy = new Set<string>()
    while (given.length < total) {
      const step = random.int(3)
      if (step === 0 && added < total) {
        const key = random.int(4) === 0 ? null : `k${random.int(5)}`
        lanes.add(row(key, added++))
      } else if (step === 1) {
        const parcel = lanes.take(1 + random.int(5))
        if (parcel === null) continue
        out.push(parcel)
        for (const key of new Set(parcel.records.map(({ laneKey }) => laneKey))) {
          if (key === null) continue
          assert.ok(!busy.has(key), `seed ${seed}: ${key} twice at a time`)
          busy.add(key)
        }
        for (const { laneKey, number } of parcel.records) {
          given.push(number)
          if (laneKey === null) continue
          assert.ok((last.get(laneKey) ?? -1) < number, `seed ${seed}: order`)
          last.set(laneKey, number)
        }
      } else if (out.length > 0) {
        const [parcel] = out.splice(random.int(out.length), 1) as [Parcel<Row>]
        for (const { laneKey } of parcel.records) if (laneKey !== null) busy.delete(laneKey)
        lanes.done(parcel)
      }
    }
    assert.equal(new Set(given).size, total, `seed ${seed}`)
  }
})
