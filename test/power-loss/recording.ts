/** Runs a process under `recorder.c` and reads what it did to its disk. */
import { spawn, spawnSync } from 'node:child_process'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Image } from './disk.ts'
import { readJournal } from './journal.ts'
import type { DiskEvent } from './journal.ts'

/** Why this machine cannot record. */
export interface Skipped {
  readonly skipped: string
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** @returns the path of the library */
export function compileRecorder(dir: string): string | Skipped {
  if (process.platform !== 'linux') return { skipped: 'LD_PRELOAD is known on Linux only' }
  mkdirSync(dir, { recursive: true })
  const library = join(dir, 'recorder.so')
  const args = ['-shared', '-fPIC', '-O1', '-o', library, here('recorder.c'), '-ldl', '-lpthread']
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error !== undefined) return { skipped: `there is no C compiler: ${error.message}` }
  assert.equal(status, 0, stderr)
  assert.ok(existsSync(library))
  return library
}

/** Where the victim writes its notes. */
export function notesFile(): string {
  return given('POWER_LOSS_NOTES')
}

/** The victim's next fsyncs of files fail, so many of them. */
export function failSyncs(count: number): void {
  writeFileSync(given('POWER_LOSS_FAILURES'), 'x'.repeat(count))
}

function given(name: string): string {
  const path = process.env[name]
  assert.ok(path !== undefined, 'the victim runs under the recorder only')
  return path
}

export interface RecordingOptions {
  readonly library: string
  /** For this recording's files. */
  readonly dir: string
  /** The disk at the start. */
  readonly before: Image
  readonly lies: 'files' | 'directories' | null
  /** The program. One that kills itself is started again, on the disk as it left it. */
  readonly victim: string
  /** Its arguments after the directory of the log and a number, another one at each start. */
  readonly args: readonly string[]
  readonly seed: number
}

/** More starts than this are no test, but a loop. */
const startsMax = 20

/** Name of the log's directory below the root of the disk. */
export const dataName = 'made/by/the log'

/** @throws an assertion error where the victim fails */
export async function recordVictim(options: RecordingOptions): Promise<DiskEvent[]> {
  const { dir } = options
  const root = join(dir, 'disk')
  const journal = join(dir, 'journal')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  writeImage(root, options.before)
  for (let start = 0; ; start++) {
    const { status, signal, errors } = await runVictim(options, root, options.seed + start)
    if (status === 0) break
    const isKilled = signal === 'SIGKILL' && start < startsMax
    assert.ok(isKilled, `the victim ended with ${status ?? signal}: ${errors}`)
  }
  const events = readJournal(readFileSync(journal))
  rmSync(dir, { recursive: true })
  return events
}

async function runVictim(
  { dir, library, lies, victim, args }: RecordingOptions,
  root: string,
  seed: number,
): Promise<{ status: number | null; signal: string | null; errors: string }> {
  const program = ['--disable-warning=ExperimentalWarning', victim, join(root, dataName)]
  const child = spawn(process.execPath, [...program, String(seed), ...args], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: {
      ...process.env,
      UV_USE_IO_URING: '0', // would go past the recorder
      LD_PRELOAD: library,
      POWER_LOSS_ROOT: root,
      POWER_LOSS_JOURNAL: join(dir, 'journal'),
      POWER_LOSS_NOTES: join(dir, 'notes'),
      POWER_LOSS_FAILURES: join(dir, 'failures'),
      ...(lies === null ? {} : { POWER_LOSS_LIES: lies }),
    },
  })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { status, signal, errors }
}

/** Makes the files of an image below a directory that is there. */
export function writeImage(root: string, image: Image): void {
  for (const [path, content] of image) {
    const place = join(root, path)
    if (content === null) mkdirSync(place, { recursive: true })
    else writeFileSync(place, content)
  }
}
