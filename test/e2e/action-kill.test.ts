/** An action under `kill -9`, on the embedded log. */
import { test } from 'vitest'
import { killAction } from './action-cases.ts'
import { Workspace } from './command.ts'

test('D1 D2 an action under kill -9: each record, in order, with its id', async () => {
  using workspace = new Workspace({ limitMs: 60_000 })
  const seed = Date.now() % 1_000_000
  await killAction(workspace, { topic: 't', pipeline: 'p', records: 6_000, kills: 8, seed })
}, 120_000)
