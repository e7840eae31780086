/**
 * Rounds of `kill -9`: a process runs the pipeline while this one appends its input to the same
 * log; at a random moment, start-up and restore included, it is killed and started again. In the
 * end the union of all it committed must be the output of a run without a crash.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import { committed, isCaughtUp, pause, sameLines } from './outcome.ts'
import * as scenario from './scenario.ts'
import type { Sale, TaskMode } from './scenario.ts'

const victim = fileURLToPath(new URL('victim.ts', import.meta.url))
/** Longest life of a victim: a few hundred commits. */
const lifeMsMax = 500
const appendEveryMs = 4
const salesPerAppend = 20
const catchUpMsMax = 60_000

export interface KillReport {
  readonly rounds: number
  /** Kills that met a process which had committed something since its start. */
  readonly atWork: number
  readonly records: number
  readonly results: number
  readonly dead: number
}

/** @throws an assertion error that names the seed where anything was lost, doubled or changed */
export async function killRounds(options: {
  readonly dir: string
  readonly rounds: number
  readonly seed: number
  readonly mode: TaskMode
}): Promise<KillReport> {
  const { dir, rounds, seed, mode } = options
  const log = await openEmbeddedLog({ dir: join(dir, 'killed') })
  await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
  const feed = startFeed(log, seed)
  const random = seededRandom(seed)
  let atWork = 0
  for (let round = 0; round < rounds; round++) {
    const before = await committed(log)
    const child = startVictim(join(dir, 'killed'), mode)
    await ended(child, random.int(lifeMsMax) + 1)
    if ((await committed(log)) > before) atWork += 1
  }
  const sales = await feed.stop()
  await log.append(scenario.closing(sales.length))
  const child = startVictim(join(dir, 'killed'), mode)
  await caughtUp(log, child, seed)
  child.kill('SIGTERM')
  assert.equal(await exitOf(child), 0, `seed ${seed}: the last run did not end in order`)

  const output = await scenario.readLines(log, scenario.outTopic)
  const dead = await scenario.deadIds(log)
  const place = `seed ${seed}, mode ${mode}, ${rounds} rounds`
  const straight = await uninterrupted(join(dir, 'straight'), sales, mode)
  sameLines(
    output,
    scenario.expectedOutput(sales, mode),
    `${place}: killed runs against the plain computation`,
  )
  sameLines(output, straight, `${place}: killed runs against the uninterrupted run`)
  assert.deepEqual(dead, scenario.expectedDead(sales), `${place}: dead letters`)
  await log.close()
  return { rounds, atWork, records: sales.length, results: output.length, dead: dead.length }
}

/** Appends sales steadily until stopped. */
function startFeed(log: Log, seed: number): { stop: () => Promise<Sale[]> } {
  const sales: Sale[] = []
  let going = true
  const feeding = (async (): Promise<void> => {
    while (going) {
      const next = scenario.salesOf(seed, sales.length, sales.length + salesPerAppend)
      await log.append(scenario.blocksOf(next))
      sales.push(...next)
      await pause(appendEveryMs)
    }
  })()
  return {
    stop: async () => {
      going = false
      await feeding
      return sales
    },
  }
}

/** The same input through one run that nobody disturbs. */
async function uninterrupted(
  dir: string,
  sales: readonly Sale[],
  mode: TaskMode,
): Promise<string[]> {
  const log = await openEmbeddedLog({ dir })
  await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
  for (let at = 0; at < sales.length; at += 500)
    await log.append(scenario.blocksOf(sales.slice(at, at + 500)))
  await log.append(scenario.closing(sales.length))
  const running = await scenario.start(log, mode)
  const deadline = Date.now() + catchUpMsMax
  while (!(await isCaughtUp(log))) {
    assert.ok(Date.now() < deadline, 'the uninterrupted run does not come to its end')
    await pause(20)
  }
  await running.stop()
  const lines = await scenario.readLines(log, scenario.outTopic)
  await log.close()
  return lines
}

async function caughtUp(log: Log, child: ChildProcess, seed: number): Promise<void> {
  const deadline = Date.now() + catchUpMsMax
  while (!(await isCaughtUp(log))) {
    assert.ok(
      child.exitCode === null,
      `seed ${seed}: the last run ended with ${String(child.exitCode)}`,
    )
    assert.ok(Date.now() < deadline, `seed ${seed}: the last run does not come to its end`)
    await pause(20)
  }
}

function startVictim(dir: string, mode: TaskMode): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', victim, dir, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Kills the child `lifeMs` after it says that it runs, or at a random point of its start. */
async function ended(child: ChildProcess, lifeMs: number): Promise<void> {
  const exit = exitOf(child)
  const running = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))
  // Every fourth life is short: killed while the process starts and restores.
  if (lifeMs % 4 === 0) await Promise.race([pause(lifeMs), exit])
  else {
    await Promise.race([running, exit])
    assert.ok(child.exitCode === null, `the process ended by itself with ${String(child.exitCode)}`)
    await Promise.race([pause(lifeMs), exit])
  }
  child.kill('SIGKILL')
  await exit
}

function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}
