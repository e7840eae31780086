/** Replays that are killed in the middle, and two at once. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { refuse, replayedIn, statesOf } from '../letters/settle-cases.ts'
import { Workspace } from './command.ts'

const letterCount = 12_000
const roundsMax = 60
/** Kills that must have met a replay at work, so that the test means something. */
const atWorkMin = 4

test('replays killed with -9 at any moment, two at once: each letter once', async () => {
  using workspace = new Workspace({ limitMs: 60_000 })
  const log = await openEmbeddedLog({ dir: join(workspace.dir, '.millrace') })
  await refuse(log, 't', { count: letterCount })
  const random = seededRandom(20_261_124)
  const replayedCount = async (): Promise<number> => (await replayedIn(log, 't')).length
  const committed = async (): Promise<number> => {
    const { partitions } = await log.describeTopic('t')
    return partitions.reduce((sum, { endOffset }) => sum + endOffset, 0) - letterCount
  }
  let atWork = 0
  let rounds = 0
  for (; rounds < roundsMax && (await committed()) < letterCount * 0.8; rounds++) {
    const before = await committed()
    const running = [0, 1].slice(0, 1 + random.int(2)).map(() => {
      return workspace.start('dead', 'replay', 't', '--limit', '4000')
    })
    // Once it is at work, a few commits later.
    const wanted = before + random.int(1_500)
    while ((await committed()) <= wanted && running.some(({ child }) => child.exitCode === null)) {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const alive = running.filter(({ child }) => child.exitCode === null)
    await Promise.all(running.map((one) => one.kill('SIGKILL')))
    if (alive.length > 0 && (await committed()) > before) atWork += 1
  }
  const [last] = await Promise.all([
    workspace.ok('dead replay t --json'),
    workspace.ok('dead replay t --json'),
  ])
  expect(JSON.parse(last.stdout)).toMatchObject({ isComplete: true, topics: expect.anything() })
  expect(await replayedCount()).toBe(letterCount)
  expect(new Set((await replayedIn(log, 't')).map(({ key }) => key)).size).toBe(letterCount)
  const states = await statesOf(log, 't.dead')
  expect(states.filter((state) => state.startsWith('replayed '))).toHaveLength(letterCount)
  expect(atWork, `of ${rounds} rounds`).toBeGreaterThanOrEqual(atWorkMin)
  await log.close()
}, 120_000)
