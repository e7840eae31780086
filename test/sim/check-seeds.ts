/** Seeds that are checked with every change; files of tests share them, to run side by side. */
import assert from 'node:assert/strict'
import { checkCase } from './check-case.ts'
import { Tally } from './tally.ts'

/** Of one test file. */
const seedsOfPart = 150
const seedsOfChunk = 25

export interface Chunk {
  readonly title: string
  readonly seeds: readonly number[]
}

/** @param part 0, 1, … */
export function chunksOf(part: number): Chunk[] {
  return Array.from({ length: seedsOfPart / seedsOfChunk }, (_, chunk) => {
    const first = part * seedsOfPart + chunk * seedsOfChunk
    const seeds = Array.from({ length: seedsOfChunk }, (__, i) => first + i)
    return { title: `seeds ${first} to ${first + seedsOfChunk - 1}`, seeds }
  })
}

export async function checkChunk({ seeds }: Chunk, tally: Tally): Promise<void> {
  for (const seed of seeds) tally.add(await checkCase(seed, { shrinkMs: 5_000 }))
}

/** @throws where something was never used, or nothing happened */
export function checkTally(tally: Tally): void {
  const text = tally.text()
  assert.deepEqual(tally.missing, [], text)
  assert.equal(tally.cases, seedsOfPart, text)
  assert.ok(tally.commits > 10 * tally.cases && tally.written > 20 * tally.cases, text)
}
