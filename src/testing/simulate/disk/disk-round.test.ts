/** Random use of the model of the embedded log, on a disk that fails in every way it can. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { diskRound, type RoundWork } from './disk-round.ts'

const seeds = 40

test('L1 L5 acknowledged is kept, the rest is whole or not there, on any disk', async () => {
  const works: RoundWork[] = []
  for (let seed = 0; seed < seeds; seed++) works.push(await diskRound({ seed, steps: 60 }))
  const sum = (key: keyof RoundWork): number => works.reduce((all, work) => all + work[key], 0)
  const text = JSON.stringify(works.at(-1))
  assert.ok(sum('acknowledged') >= seeds * 15, text)
  assert.ok(sum('open') >= seeds && sum('refused') >= seeds, text)
  // How many of them are there after a power cut depends on how far writes had come.
  assert.ok(sum('found') >= seeds / 10, `${sum('found')} of ${sum('open')} were found`)
  assert.ok(sum('powerLosses') >= seeds * 2 && sum('crashes') >= seeds, text)
})
