/** Random pipelines under random faults; `npm run sim` tries further ones, for any time. */
import { test } from 'vitest'
import { checkChunk, checkTally, chunksOf } from './check-seeds.ts'
import { Tally } from './tally.ts'

const tally = new Tally()

/** Ten times what they take: the machine may be busy. */
const timeout = 120_000

test.each(chunksOf(1))('with faults as without, $title', { timeout }, async (chunk) => {
  await checkChunk(chunk, tally)
})

test('every step and every kind of fault was there', () => checkTally(tally))
