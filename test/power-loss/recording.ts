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
  const path = process.env['POWER_LOSS_NOTES']
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
  /** The program. */
  readonly victim: string
  /** Its arguments after the directory of the log. */
  readonly args: readonly string[]
}

/** Name of the log's directory below the root of the disk. */
export const dataName = 'made/by/the log'

/** @throws an assertion error where the victim fails */
export async function recordVictim(options: RecordingOptions): Promise<DiskEvent[]> {
  const { dir, library, lies } = options
  const root = join(dir, 'disk')
  const journal = join(dir, 'journal')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  writeImage(root, options.before)
  const args = ['--disable-warning=ExperimentalWarning', options.victim, join(root, dataName)]
  const child = spawn(process.execPath, [...args, ...options.args], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: {
      ...process.env,
      UV_USE_IO_URING: '0', // would go past the recorder
      LD_PRELOAD: library,
      POWER_LOSS_ROOT: root,
      POWER_LOSS_JOURNAL: journal,
      POWER_LOSS_NOTES: join(dir, 'notes'),
      ...(lies === null ? {} : { POWER_LOSS_LIES: lies }),
    },
  })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(status, 0, `the victim ended with ${status ?? signal}: ${errors}`)
  const events = readJournal(readFileSync(journal))
  rmSync(dir, { recursive: true })
  return events
}

/** Makes the files of an image below a directory that is there. */
export function writeImage(root: string, image: Image): void {
  for (const [path, content] of image) {
    const place = join(root, path)
    if (content === null) mkdirSync(place, { recursive: true })
    else writeFileSync(place, content)
  }
}
