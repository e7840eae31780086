import { expect, test } from 'vitest'
import { seededRandom } from '../core/random.ts'
import { ValueReader, ValueWriter } from '../core/value-codec.ts'
import { KnownIds } from './known-ids.ts'
import type { DedupeSpec } from '../pipeline/source-spec.ts'
import type { SourceRecord } from './source.ts'

const record = (id?: string): SourceRecord => ({
  key: null,
  value: id ?? '',
  time: 0,
  ...(id === undefined ? {} : { id }),
})

/** Blobs as a log keeps them: from the start of the last whole round on. */
class Changelog {
  blobs: Uint8Array[] = []
  #roundAt = 0
  largest = 0

  commit(ids: KnownIds): void {
    const writer = new ValueWriter()
    const { startsRound, endsRound } = ids.write(writer)
    const bytes = writer.bytes()
    this.largest = Math.max(this.largest, bytes.length)
    if (startsRound) this.#roundAt = this.blobs.length
    this.blobs.push(bytes)
    if (endsRound) {
      this.blobs = this.blobs.slice(this.#roundAt)
      this.#roundAt = 0
    }
  }

  get bytes(): number {
    return this.blobs.reduce((sum, { length }) => sum + length, 0)
  }

  restore(spec: DedupeSpec): KnownIds {
    const ids = new KnownIds(spec)
    const restoring = ids.restoring()
    for (const blob of this.blobs) restoring.next(new ValueReader(blob))
    restoring.ended()
    return ids
  }
}

/** Naive: a list of all that was committed. */
class Model {
  committed: { id: string; timeMs: number }[] = []

  sift(given: readonly string[], nowMs: number, { withinMs, max }: DedupeSpec): string[] {
    const timeMs = Math.max(nowMs, this.committed.at(-1)?.timeMs ?? 0)
    let known = this.committed.slice(-max).filter((one) => one.timeMs + withinMs > timeMs)
    const kept: string[] = []
    for (const id of given) {
      if (known.some((one) => one.id === id)) continue
      kept.push(id)
      this.committed.push({ id, timeMs })
      known = [...known, { id, timeMs }].slice(-max)
    }
    return kept
  }
}

test('as a list of all that was committed, over restarts and commits that were lost', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const changelog = new Changelog()
    const model = new Model()
    const spec = { withinMs: 1 + random.int(2_000), max: 1 + random.int(400) }
    let ids = changelog.restore(spec)
    let nowMs = 1_000
    let left = 0
    for (let turn = 0; turn < 120; turn++) {
      nowMs += random.int(80) - 10 // a clock may go back
      const long = 'x'.repeat(random.int(100))
      const given = Array.from({ length: random.int(12) }, () => `${long}${random.int(300)}`)
      const isLost = random.int(10) === 0
      const before = [...model.committed]
      const kept = ids.sift(given.map(record), nowMs)
      const wanted = model.sift(given, nowMs, spec)
      expect(
        kept.map(({ id }) => id),
        `seed ${seed}, turn ${turn}`,
      ).toEqual(wanted)
      left += given.length - kept.length
      if (isLost) model.committed = before
      else changelog.commit(ids)
      if (isLost || random.int(8) === 0) ids = changelog.restore(spec)
    }
    if (spec.max > 100 && spec.withinMs > 500) expect(left, `seed ${seed}`).toBeGreaterThan(0)
  }
})

test('a record without id passes, also twice', () => {
  const ids = new KnownIds({ withinMs: 1_000, max: 10 })
  expect(ids.sift([record(), record()], 0)).toHaveLength(2)
  expect(ids.count).toBe(0)
})

test('an id is known up to the end of the time, from its commit on', () => {
  const ids = new KnownIds({ withinMs: 1_000, max: 10 })
  const isNew = (atMs: number): boolean => ids.sift([record('a')], atMs).length === 1
  expect([isNew(0), isNew(500), isNew(999), isNew(1_000), isNew(1_999), isNew(2_000)]).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
  ])
  expect(ids.duplicates).toBe(3)
})

test('more than the most: the oldest go, and that is counted', () => {
  const ids = new KnownIds({ withinMs: 1_000, max: 3 })
  ids.sift(['a', 'b', 'c', 'd'].map(record), 0)
  expect([ids.count, ids.forgotten]).toEqual([3, 1])
  expect(ids.sift(['a', 'd'].map(record), 1).map(({ id }) => id)).toEqual(['a'])
})

test('a smaller most takes effect when it is opened again', () => {
  const changelog = new Changelog()
  const large = new KnownIds({ withinMs: 1_000, max: 100 })
  large.sift(
    Array.from({ length: 100 }, (_, i) => record(`${i}`)),
    0,
  )
  changelog.commit(large)
  const small = changelog.restore({ withinMs: 1_000, max: 10 })
  expect(small.sift([record('90'), record('89')], 1).map(({ id }) => id)).toEqual(['89'])
  expect(small.count).toBeLessThanOrEqual(10)
})

test('no commit writes all that is known, and what is kept is bounded', () => {
  const changelog = new Changelog()
  const ids = new KnownIds({ withinMs: 1e9, max: 50_000 })
  for (let i = 0; i < 5_000; i++) {
    ids.sift(
      Array.from({ length: 30 }, (_, n) => record(`id-${i}-${n}`)),
      i,
    )
    changelog.commit(ids)
  }
  const liveBytes = 50_000 * 18
  expect(changelog.largest).toBeLessThan(5_000)
  expect(changelog.bytes).toBeLessThan(liveBytes * 4)
  expect(changelog.restore({ withinMs: 1e9, max: 50_000 }).count).toBe(50_000)
})

test('a blob without ids, of a run that did not ask for them, forgets them', () => {
  const changelog = new Changelog()
  const ids = new KnownIds({ withinMs: 1_000, max: 10 })
  ids.sift([record('a')], 0)
  changelog.commit(ids)
  changelog.blobs.push(new Uint8Array())
  expect(changelog.restore({ withinMs: 1_000, max: 10 }).count).toBe(0)
})

test('bytes that were not written so are refused', () => {
  const restoring = new KnownIds({ withinMs: 1_000, max: 10 }).restoring()
  const next = (): void => restoring.next(new ValueReader(new Uint8Array([9, 0, 0, 0, 0, 0])))
  expect(next).toThrow(expect.objectContaining({ code: 'state-corrupt' }) as Error)
})
