/**
 * `kill -9` of processes that run random pipelines: each at a random step or moment, again and
 * again, until all of its input is read. In the end what was committed must be what a run commits
 * that nobody disturbs.
 */
import { spawn, spawnSync } from 'node:child_process'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../../src/core/random.ts'
import type { Random } from '../../../src/core/random.ts'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../../src/log/log.ts'
import { difference } from '../../../src/testing/simulate/outcome.ts'
import {
  appendBlocks,
  caseOf,
  committedOf,
  createTopics,
  finishCase,
  isAllRead,
} from './case-run.ts'
import type { KilledCase } from './case-run.ts'
import { drawDeath, untilDead } from './death.ts'
import type { Death } from './death.ts'
import type { SplitCommit } from './slow-log.ts'

export interface RandomKillOptions {
  readonly dir: string
  readonly seed: number
  readonly rounds: number
  /** A case that failed, again and again. */
  readonly onlyCase?: number
  /** A fault that the test must find. */
  readonly planted?: SplitCommit
}

export interface RandomKillReport {
  readonly rounds: number
  /** Kills that met a process at work: it had committed something, or died in a step of its own. */
  readonly atWork: number
  /** How many by each kind of death; `idle`: it had nothing left to do. */
  readonly deaths: Readonly<Record<string, number>>
  readonly pipelines: number
  readonly records: number
  readonly results: number
}

const victim = fileURLToPath(new URL('victim.ts', import.meta.url))
const killsPerCase = 10
/** A process that is not dead by then hangs. */
const lifeMsMax = 60_000
/** Cases that are run side by side. */
const lanes = 2

interface Total {
  rounds: number
  atWork: number
  pipelines: number
  records: number
  results: number
  readonly deaths: Record<string, number>
}

/** @throws an assertion error that names the seed of the case, and its plan */
export async function randomKills(options: RandomKillOptions): Promise<RandomKillReport> {
  const cache = join(options.dir, 'compiled')
  warmUp(cache)
  const total: Total = { rounds: 0, atWork: 0, pipelines: 0, records: 0, results: 0, deaths: {} }
  let failure: { readonly thrown: unknown } | null = null
  const lane = async (): Promise<void> => {
    while (total.rounds < options.rounds && failure === null) {
      const seed = options.onlyCase ?? (options.seed % 1_000_000) * 10_000 + total.pipelines
      total.pipelines += 1
      await killCase(seed, { ...options, cache }, total).catch((thrown: unknown) => {
        failure ??= { thrown }
      })
    }
  }
  await Promise.all(Array.from({ length: options.onlyCase === undefined ? lanes : 1 }, lane))
  if (failure !== null) throw (failure as { readonly thrown: unknown }).thrown
  return total
}

interface CaseOptions extends RandomKillOptions {
  /** Where compiled modules are: what a killed process has compiled is lost. */
  readonly cache: string
}

/** Starting takes a quarter of the time then. */
function warmUp(cache: string): void {
  const parts = ['case-run.ts', 'slow-log.ts', '../../../src/log/embedded/writer-worker.ts']
  const links = parts.map((part) => JSON.stringify(new URL(part, import.meta.url).href))
  const text = links.map((link) => `await import(${link})`).join('\n')
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', text]
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

async function killCase(seed: number, options: CaseOptions, total: Total): Promise<void> {
  const killed = caseOf(seed)
  const place = `seed ${options.seed}, case ${seed}`
  const random = seededRandom(seed)
  const dir = join(options.dir, `case-${seed}`)
  const log = await openEmbeddedLog({ dir: join(dir, 'killed'), writer: 'inline' })
  const straight = await openEmbeddedLog({ dir: join(dir, 'straight'), writer: 'inline' })
  try {
    await createTopics(straight, killed)
    await appendBlocks(straight, killed.blocks)
    const expected = await finishCase(straight, killed, `${place}, undisturbed`)

    await createTopics(log, killed)
    const feed = feedOf(log, killed, random)
    const lives: Life[] = []
    while (lives.length < killsPerCase && total.rounds < options.rounds) {
      total.rounds += 1
      await feed(killsPerCase - lives.length)
      const life = await liveAndDie(log, killed, { dir: join(dir, 'killed'), random, options })
      count(total, life)
      lives.push(life)
      if (life.end === 'idle' && killed.mayCome === 'at-once') break
    }
    await feed(1)
    const got = await finishCase(log, killed, place)
    const found = difference(expected, got)
    const deaths = lives.map(({ death }) => JSON.stringify(death)).join(' ')
    assert.equal(found, null, `${place}: ${found}\n${killed.one.text}\n${deaths}`)
    total.records += killed.one.input.length
    for (const list of got.values()) total.results += list.length
  } finally {
    await log.close()
    await straight.close()
  }
  rmSync(dir, { recursive: true })
}

interface Life {
  readonly death: Death
  readonly end: 'died' | 'idle' | 'hung'
  readonly hasCommitted: boolean
}

function count(total: Total, { death, end, hasCommitted }: Life): void {
  const name = end === 'idle' ? 'idle' : death.at
  total.deaths[name] = (total.deaths[name] ?? 0) + 1
  if (hasCommitted || (end === 'died' && death.at !== 'time')) total.atWork += 1
}

async function liveAndDie(
  log: Log,
  killed: KilledCase,
  { dir, random, options }: { dir: string; random: Random; options: CaseOptions },
): Promise<Life> {
  const before = await committedOf(log, killed)
  const death = drawDeath(random)
  const args = [dir, String(killed.one.seed), JSON.stringify(death), options.planted ?? '']
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', victim, ...args],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: options.cache },
    },
  )
  const exit = once(child, 'exit')
  const kill = (): boolean => child.kill('SIGKILL')
  const timer = death.at === 'time' ? setTimeout(kill, death.ms) : undefined
  const place = `case ${killed.one.seed}, ${JSON.stringify(death)}`
  const end = await untilDead(exit, { kill, isDone: () => isAllRead(log, killed), lifeMsMax })
  clearTimeout(timer)
  assert.equal(child.signalCode, 'SIGKILL', `${place}: the process ended by itself`)
  assert.notEqual(end, 'hung', `${place}: the process neither died nor came to its end`)
  return { death, end, hasCommitted: (await committedOf(log, killed)) > before }
}

/** Gives the log what is due of the input, with so many calls left, this one included. */
function feedOf(
  log: Log,
  { blocks, mayCome }: KilledCase,
  random: Random,
): (callsLeft: number) => Promise<void> {
  let fed = 0
  return async (callsLeft) => {
    const left = blocks.length - fed
    const isAll = mayCome === 'at-once' || callsLeft === 1
    const next = isAll ? left : random.int(1 + Math.ceil((2 * left) / callsLeft))
    if (next > 0) await appendBlocks(log, blocks.slice(fed, fed + next))
    fed += next
  }
}
