import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { StateSet } from './state-set.ts'
import { Versions } from './versions.ts'
import type { VersionsOptions } from './versions.ts'

interface Opened {
  readonly state: StateSet
  readonly versions: Versions
}

function open(options: VersionsOptions, settledMs = -Infinity, blobs: Uint8Array[] = []): Opened {
  const state = new StateSet()
  const versions = new Versions(
    { store: ({ part, ...form }) => state.store({ name: `s/${part}`, ...form }) },
    'versions',
    options,
  )
  for (const blob of blobs) state.restore(blob)
  state.restored()
  versions.onRestored(settledMs)
  state.journal.begin()
  return { state, versions }
}

function at(versions: Versions, timeMs: number): unknown {
  return versions.find('k', timeMs) === 'none' ? undefined : versions.found
}

test('the newest at or before a time; of equal times the one that came last', () => {
  const { versions } = open({ bucketMs: 10, validMs: 'next' })
  for (const [timeMs, value] of [
    [25, 'b'],
    [5, 'a'],
    [25, 'c'],
    [27, null],
    [26, 'x'],
  ] as const) {
    versions.add('k', { timeMs, value }, -Infinity)
  }
  assert.deepEqual(
    [4, 5, 24, 25, 26, 27, 1000].map((time) => at(versions, time)),
    [undefined, 'a', 'a', 'c', 'x', null, null],
  )
  assert.equal(versions.find('other', 30), 'none')
})

test('valid for some time only', () => {
  const { versions } = open({ bucketMs: 4, validMs: 10 })
  versions.add('k', { timeMs: 5, value: 'a' }, -Infinity)
  assert.deepEqual(
    [15, 16, 400].map((time) => at(versions, time)),
    ['a', undefined, undefined],
  )
})

test('O3 O4 settled, undone, committed and restarted: as a plain list', () => {
  const acts = fc.array(
    fc.record({
      kind: fc.constantFrom('add', 'add', 'add', 'settle', 'commit', 'restart'),
      ms: fc.integer({ min: -10, max: 60 }),
      value: fc.integer({ min: 0, max: 4 }),
      isUndone: fc.boolean(),
    }),
    { minLength: 8, maxLength: 40 },
  )
  let settles = 0
  const options = [
    { bucketMs: 10, validMs: 'next' },
    { bucketMs: 3, validMs: 12 },
  ] as const
  const property = fc.property(acts, fc.constantFrom(...options), (all, given) => {
    let { state, versions } = open(given)
    const blobs: Uint8Array[] = []
    let settledMs = -Infinity
    let model: { timeMs: number; value: number | null }[] = []
    const newest = (timeMs: number) =>
      model
        .filter((each) => each.timeMs <= timeMs)
        .reduce<(typeof model)[number] | null>(
          (best, each) => (best === null || each.timeMs >= best.timeMs ? each : best),
          null,
        )
    const expected = (timeMs: number): unknown => {
      const best = newest(timeMs)
      const isValid = given.validMs === 'next' || (best?.timeMs ?? 0) >= timeMs - given.validMs
      return best === null || !isValid ? undefined : best.value
    }
    for (const { kind, ms, value, isUndone } of all) {
      state.journal.begin()
      if (kind === 'settle') {
        settledMs = Math.max(settledMs, ms)
        versions.settle(settledMs)
        settles += 1
      } else if (kind === 'add') {
        // The caller gives what can still be met only.
        const isMet = ms >= settledMs || (newest(settledMs)?.timeMs ?? -Infinity) <= ms
        if (!isMet || (given.validMs !== 'next' && ms + given.validMs < settledMs)) continue
        const version = {
          timeMs: ms,
          value: value === 0 && given.validMs === 'next' ? null : value,
        }
        versions.add('k', version, settledMs)
        if (isUndone) state.journal.undo()
        else model = [...model, version]
      } else {
        const packed = state.pack()
        if (packed !== null) blobs.push(packed.bytes.slice())
        if (kind === 'restart') ({ state, versions } = open(given, settledMs, blobs))
      }
      // Deletes may be forgotten once they are settled: then there is none.
      for (let timeMs = Math.max(settledMs, -12); timeMs < 75; timeMs++) {
        assert.equal(at(versions, timeMs) ?? undefined, expected(timeMs) ?? undefined)
      }
    }
    assert.ok(versions.settleDueMs() > settledMs)
  })
  fc.assert(property, { numRuns: 300 })
  assert.ok(settles > 300, `${settles}`)
})
