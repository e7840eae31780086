/**
 * map, filter, flatMap, branch, merge, keyBy, forEach, print and to together, on random input in
 * any order of time, some of it refused half-way by the user's own functions, against plain loops.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { from, json, pipeline, topic } from '../../index.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'

interface Sample {
  readonly v: number
  readonly t: number
}

const samples = topic('samples', {
  codec: json<Sample>(),
  key: (sample) => `s${sample.v % 5}`,
  time: (sample) => sample.t,
  partitions: 2,
})
const out = topic('out', { codec: json<number>(), partitions: 3 })

function doubled(v: number): number {
  if (v === 61) throw new Error('map refuses 61')
  return v * 2
}

/** v % 4 numbers from v on; 14 is refused when two of them are given already. */
function* counted(v: number): Generator<number> {
  for (let i = 0; i < (v === 14 ? 3 : v % 4); i++) {
    if (v === 14 && i === 2) throw new Error('flatMap refuses 14')
    yield v + i
  }
}

function build(seen: number[]) {
  const { big, rest } = from(samples).branch({ big: (sample) => sample.v > 50 })
  const large = big.map((sample) => doubled(sample.v))
  const even = rest.map((sample) => sample.v).filter((v) => v % 2 === 0)
  const all = large
    .merge(even)
    .keyBy((v) => `k${v % 3}`)
    .flatMap(counted)
  const shown = rest.map((sample) => sample.v).filter((v) => v % 10 === 0)
  return pipeline(
    'model',
    all.to(out),
    all.forEach((v) => void seen.push(v)),
    shown.print(),
  )
}

/** What one sample gives: records `key value time`, or null where it is refused. */
function modelOf({ v, t }: Sample): { records: string[]; printed: string } | null {
  if (v === 61 || v === 14) return null
  const base = v > 50 ? v * 2 : v % 2 === 0 ? v : null
  const records: string[] = []
  for (let i = 0; base !== null && i < base % 4; i++) records.push(`k${base % 3} ${base + i} ${t}`)
  return { records, printed: v <= 50 && v % 10 === 0 ? `${v}\n` : '' }
}

test('O1 O4 the steps without state give what plain loops give, refused records nothing', () => {
  const sample = fc.record({ v: fc.integer({ min: 0, max: 70 }), t: fc.integer() })
  const weighted = fc.oneof(
    { weight: 8, arbitrary: sample },
    { weight: 1, arbitrary: fc.record({ v: fc.constantFrom(14, 61), t: fc.integer() }) },
  )
  fc.assert(
    fc.property(fc.array(weighted, { maxLength: 60 }), (input) => {
      const driver = testPipeline(build([]))
      const expected: string[] = []
      const refused: number[] = []
      let printed = ''
      for (const each of input) {
        driver.push(samples, each)
        const model = modelOf(each)
        if (model === null) refused.push(each.v)
        expected.push(...(model?.records ?? []))
        printed += model?.printed ?? ''
      }
      const records = driver.records(out).map(({ key, value, time }) => `${key} ${value} ${time}`)
      assert.deepEqual(records.toSorted(), expected.toSorted())
      for (const key of ['k0', 'k1', 'k2']) {
        const isOf = (line: string): boolean => line.startsWith(key)
        assert.deepEqual(records.filter(isOf), expected.filter(isOf), `order of ${key}`)
      }
      const dead = driver.deadLetters().map((letter) => (JSON.parse(`${letter.value}`) as Sample).v)
      assert.deepEqual(
        dead.toSorted((a, b) => a - b),
        refused.toSorted((a, b) => a - b),
      )
      assert.equal(driver.printed(), printed)
    }),
    { numRuns: 200 },
  )
})
