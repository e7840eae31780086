import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import { packState, Progress, unpackState } from './progress.ts'
import type { Pending } from './progress.ts'

test('low is the first record that is not done', () => {
  const progress = new Progress(5)
  const [a, b, c] = [5, 6, 9].map((offset) => progress.read(offset)) as [Pending, Pending, Pending]
  assert.equal(progress.low, 5)
  progress.done(b)
  assert.equal(progress.low, 5)
  assert.deepEqual(progress.runs, [[6, 6]])
  progress.done(a)
  assert.equal(progress.low, 9)
  progress.done(c)
  assert.equal(progress.low, 10)
  progress.moveTo(12)
  assert.equal(progress.low, 12)
  assert.deepEqual(progress.runs, [])
})

test('what was done in an earlier run is not given again', () => {
  const progress = new Progress(5, [[6, 9]])
  assert.ok(progress.read(5) !== null)
  assert.equal(progress.read(6), null)
  assert.deepEqual(progress.runs, [
    [6, 6],
    [7, 9],
  ])
  assert.equal(progress.read(9), null)
  assert.ok(progress.read(10) !== null)
})

test('D2 at random: wherever it restarts, exactly what is not done is left', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = seededRandom(seed)
    const offsets = Array.from({ length: 100 }, (_, i) => i * 2 + random.int(2)) // with holes
    const done = new Set<number>()
    let progress = new Progress(0)
    let waiting: Pending[] = []
    let next = 0
    for (let step = 0; step < 400 && done.size < offsets.length; step++) {
      const dice = random.int(10)
      if (dice === 0) {
        const state = unpackState(packState({ runs: progress.runs, givenUp: [] }))
        const { low } = progress
        for (const offset of offsets)
          if (offset < low) assert.ok(done.has(offset), `seed ${seed}: ${offset} is below ${low}`)
        progress = new Progress(low, state.runs)
        waiting = []
        next = offsets.findIndex((offset) => offset >= low)
        if (next < 0) next = offsets.length
      } else if (dice < 5 && next < offsets.length) {
        const offset = offsets[next++] as number
        const pending = progress.read(offset)
        assert.equal(pending === null, done.has(offset), `seed ${seed}: ${offset}`)
        if (pending !== null) waiting.push(pending)
      } else if (waiting.length > 0) {
        const [pending] = waiting.splice(random.int(waiting.length), 1) as [Pending]
        done.add(pending.offset)
        progress.done(pending)
      }
    }
  }
})

test('state is read back as it was written, and nothing else is taken for it', () => {
  const state = { runs: [[3, 4] as const, [9, 200] as const], givenUp: [1, 7] }
  assert.deepEqual(unpackState(packState(state)), state)
  for (const bytes of [packState(state).subarray(0, 2), new Uint8Array([255, 1, 2])]) {
    assert.throws(
      () => unpackState(bytes),
      (thrown) => isCode(thrown, 'state-corrupt'),
    )
  }
})
