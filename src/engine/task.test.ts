import assert from 'node:assert/strict'
import { test } from 'vitest'
import { neverIdleMs, runCase } from './conformance/fold-case.ts'
import type { CaseRecord, FoldCase, Round } from './conformance/fold-case.ts'
import { runningReduce, windowAggregate } from './conformance/fold-pipelines.ts'

const record = (partition: number, t: number, v: number, k = 'a'): CaseRecord => {
  return { partition, k, v, t, isBroken: false }
}

function foldCase(rounds: readonly Round[], partitions = 2): FoldCase {
  return {
    partitions,
    outOfOrderMs: 0,
    idleAfterMs: neverIdleMs,
    latenessMs: 0,
    blockRecords: 2,
    rounds,
  }
}

test('O1 records of equal time come in order of input, whatever the size of the slices', () => {
  const records = [
    record(0, 5, 0),
    record(1, 3, 1),
    record(1, 5, 2),
    record(1, 5, 3),
    record(0, 5, 4),
  ]
  const lines = (limit: number): readonly string[] => {
    const slices = records.map(() => ({ limit, commits: false, crashes: false }))
    return runCase(foldCase([{ records, slices, tickMs: 0 }]), runningReduce.pipeline(0)).lines
  }
  assert.deepEqual(lines(1), lines(100))
  assert.match(lines(1).at(-1) ?? '', /"\(1\) 0 4 2 3"/)
})

test('catching up, the smallest event time is read first: no input makes another late', () => {
  const fast = Array.from({ length: 50 }, (_, i) => record(0, i * 10, 0, 'fast'))
  const slow = Array.from({ length: 50 }, (_, i) => record(1, i * 10, 0, 'slow'))
  const { lines } = runCase(
    foldCase([
      {
        records: [...fast, ...slow],
        slices: [{ limit: 7, commits: true, crashes: true }],
        tickMs: 0,
      },
    ]),
    windowAggregate().pipeline(0),
  )
  assert.deepEqual(
    lines.filter((line) => line.startsWith('in.late')),
    [],
  )
  assert.equal(lines.length, 100)
})

test('O3 a crash after every single record changes nothing', () => {
  const records = Array.from({ length: 30 }, (_, i) =>
    record(i % 2, (i * 7) % 40, i % 9, 'abc'[i % 3]),
  )
  const rounds = (crashes: boolean): Round[] => {
    const slices = records.map(() => ({ limit: 1, commits: true, crashes }))
    return [{ records, slices, tickMs: 0 }]
  }
  for (const fold of [windowAggregate(), runningReduce]) {
    const built = fold.pipeline(5)
    const calm = runCase(foldCase(rounds(false)), built)
    const stormy = runCase(foldCase(rounds(true)), built)
    assert.equal(stormy.restarts.length, 30)
    assert.deepEqual(stormy.lines, calm.lines)
    assert.ok(calm.lines.length > 10)
  }
})
