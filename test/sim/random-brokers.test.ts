/** Random pipelines on modelled brokers; `npm run sim -- --on brokers` tries further ones. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkOnBrokers } from './check-brokers.ts'

const seedCount = 70

test('on brokers that fail as on such that do not', { timeout: 120_000 }, async () => {
  let commits = 0
  let runs = 0
  for (let seed = 0; seed < seedCount; seed++) {
    const report = await checkOnBrokers(seed, { shrinkMs: 5_000 })
    commits += report?.commits ?? 0
    runs += report?.runs ?? 0
  }
  assert.ok(runs > seedCount / 2 && commits > 5 * runs, `${runs} runs, ${commits} commits`)
})
