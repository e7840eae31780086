/**
 * Disks that are really full or really fail. What was committed must stay whole, the errors must
 * say what to do, and when the disk is well again the output must be that of the plain computation.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../src/core/error.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { committed, isCaughtUp, pause, sameLines, waitUntil } from './outcome.ts'
import * as scenario from './scenario.ts'
import type { Sale, TaskMode } from './scenario.ts'

export interface DiskOptions {
  /** For data; removed by the caller. */
  readonly dir: string
  readonly seed: number
  readonly mode: TaskMode
}

/** Why this machine cannot run the test. */
export interface Skipped {
  readonly skipped: string
}

export interface FullDiskReport {
  readonly sales: number
  readonly results: number
  /** What the run had committed when the disk was full. */
  readonly resultsWhenFull: number
  readonly committedWhenFull: number
  /** Commits that were refused. */
  readonly failures: number
  /** What a user reads. */
  readonly message: string
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const nodeArgs = ['--disable-warning=ExperimentalWarning']

/** Mounts a disk of this size there, then becomes the rest. The mount ends with the process. */
const onSmallDisk = 'mount -t tmpfs -o "size=$1" millrace-test "$2" || exit 77; shift 2; exec "$@"'
const cannotMount = 77
/** As a shell says it. */
const notStarted = 127

/**
 * A small disk in memory, filled while the pipeline has a backlog. The mount is seen by the child
 * process only, so that nothing is left of it however the test ends.
 */
export async function fullDisk(
  options: DiskOptions & { readonly sizeMiB: number; readonly sales: number },
): Promise<FullDiskReport | Skipped> {
  const { dir, seed, mode, sizeMiB, sales } = options
  if (process.platform !== 'linux') return { skipped: 'a small disk is mounted on Linux only' }
  const disk = join(dir, 'disk')
  mkdirSync(disk, { recursive: true })
  const program = [process.execPath, ...nodeArgs, here('full-disk.ts')]
  const args = [disk, mode, String(seed), String(sales)]
  const shell = ['sh', '-c', onSmallDisk, 'sh', `${sizeMiB}m`, disk]
  const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user']
  const child = spawn('unshare', [...namespace, ...shell, ...program, ...args])
  const { status, stdout, stderr } = await finished(child)
  if (status === cannotMount || stderr.startsWith('unshare: ')) {
    return { skipped: `no small disk can be mounted: ${stderr.trim()}` }
  }
  if (status === notStarted) return { skipped: `unshare cannot be started: ${stderr}` }
  assert.equal(status, 0, `seed ${seed}, mode ${mode}: ${stderr}`)
  return JSON.parse(stdout) as FullDiskReport
}

export interface FailingFsyncReport {
  readonly rounds: number
  /** Calls of fsync that failed. */
  readonly failures: number
  readonly sales: number
  readonly results: number
}

/**
 * A process runs the pipeline; again and again its fsync fails for a while. Each commit that meets
 * it is `commit-unknown`: the task opens anew and finds out whether it happened.
 */
export async function failingFsync(
  options: DiskOptions & { readonly rounds: number },
): Promise<FailingFsyncReport | Skipped> {
  const { dir, seed, mode, rounds } = options
  const library = compile(dir)
  if (typeof library !== 'string') return library
  const data = join(dir, 'data')
  const flag = join(dir, 'fsync-fails')
  const log = await openEmbeddedLog({ dir: data })
  await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
  const child = spawn(process.execPath, [...nodeArgs, here('victim.ts'), data, mode], {
    env: { ...process.env, LD_PRELOAD: library, FAIL_FSYNC: flag },
  })
  const ended = finished(child)
  const sales: Sale[] = []
  const place = `seed ${seed}, mode ${mode}`
  let failures = 0
  const feed = async (): Promise<void> => {
    const next = scenario.salesOf(seed, sales.length, sales.length + 20)
    await log.append(scenario.blocksOf(next))
    sales.push(...next)
    assert.equal(child.exitCode, null, `${place}: the run ended by itself`)
    await pause(2)
  }
  try {
    for (let round = 0; round < rounds; round++) {
      const before = await committed(log)
      await waitUntil('the run commits', async () => {
        await feed()
        return (await committed(log)) > before
      })
      writeFileSync(flag, '')
      await waitUntil('fsync has failed twice', async () => {
        await feed()
        return statSync(flag).size >= 2
      })
      failures += statSync(flag).size
      rmSync(flag)
    }
    await log.append(scenario.closing(sales.length))
    await waitUntil('it has gone on to the end', () => isCaughtUp(log))
    child.kill('SIGTERM')
    const { status, stderr } = await ended
    assert.equal(status, 0, `${place}: the run did not end in order: ${stderr}`)
    assert.match(stderr, /it may have happened .*; trying again in \d+ ms\n/)
    const output = await scenario.readLines(log, scenario.outTopic)
    sameLines(output, scenario.expectedOutput(sales, mode), `${place}: after a failing fsync`)
    assert.deepEqual(await scenario.deadIds(log), scenario.expectedDead(sales), place)
    return { rounds, failures, sales: sales.length, results: output.length }
  } finally {
    child.kill('SIGKILL')
    await ended
    await log.close()
  }
}

/** The library that makes fsync fail, compiled here. */
function compile(dir: string): string | Skipped {
  if (process.platform !== 'linux') return { skipped: 'LD_PRELOAD is known on Linux only' }
  mkdirSync(dir, { recursive: true })
  const library = join(dir, 'failing-fsync.so')
  const args = ['-shared', '-fPIC', '-O1', '-o', library, here('failing-fsync.c'), '-ldl']
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error !== undefined) return { skipped: `there is no C compiler: ${error.message}` }
  assert.equal(status, 0, stderr)
  assert.ok(existsSync(library))
  return library
}

interface Finished {
  /** null: a signal. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

async function finished(child: ChildProcess): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()))
  try {
    const [status] = (await once(child, 'close')) as [number | null]
    return { status, stdout, stderr }
  } catch (error) {
    return { status: notStarted, stdout, stderr: messageOf(error) }
  }
}
