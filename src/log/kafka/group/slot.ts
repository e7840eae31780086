/**
 * A place for one process on this machine: a directory that nobody else uses while it lives, with
 * an instance id that stays. A process that is started again takes the first free slot, which is
 * the one it had: to the group it is the same member, and its local copies of state are there.
 *
 * The slot is held by an exclusive transaction on an empty SQLite file, which the operating system
 * ends with the process, also under kill -9. (A file with a process id in it would outlive its
 * process, and could name another one's.) The directory must be on a local disk.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, MillraceError } from '../../../core/error.ts'
import { systemRandom, uuid } from '../../../core/random.ts'

export interface Slot {
  /** Random, the same whenever this slot is taken. */
  readonly instanceId: string
  /** Where the process may keep what belongs to it. */
  readonly directory: string
  /** Idempotent. What lies in the directory stays. */
  release(): Promise<void>
}

/** So many processes of one pipeline on one machine are a mistake. */
const slotsMax = 1024
const sqliteBusy = 5
const idShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Takes the first slot of the group that no living process has.
 * @throws `log-read-only` (the directory cannot be written) · `log-failed`
 */
export async function takeSlot(directory: string, group: string): Promise<Slot> {
  const parent = join(directory, fileName(group))
  try {
    for (let n = 0; n < slotsMax; n++) {
      const slot = join(parent, `slot-${n}`)
      mkdirSync(slot, { recursive: true })
      const lock = hold(join(slot, 'lock'))
      if (lock === null) continue
      try {
        const instanceId = keptId(join(slot, 'instance-id'))
        return { instanceId, directory: slot, release: async () => lock.release() }
      } catch (thrown) {
        lock.release()
        throw thrown
      }
    }
  } catch (thrown) {
    throw slotError(parent, thrown)
  }
  throw new MillraceError('log-failed', `all ${slotsMax} slots in ${parent} are taken`, {
    hint: 'fewer processes, or another state directory for some',
  })
}

/**
 * The name itself where any file system takes it, else made of its letters and its hash: names that
 * differ in case or in other signs stay apart.
 */
export function fileName(group: string): string {
  if (/^[a-z0-9_-][a-z0-9._-]{0,99}$/.test(group)) return group
  const text = group
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '_')
    .slice(0, 60)
  const hash = createHash('sha256').update(group).digest('hex').slice(0, 12)
  return `${text}.${hash}`
}

/** @returns null where another connection, here or in another process, holds it */
function hold(path: string): { release(): void } | null {
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('PRAGMA journal_mode = MEMORY') // no journal file beside the lock
    db.exec('BEGIN EXCLUSIVE')
  } catch (thrown) {
    db.close()
    if (isBusy(thrown)) return null
    throw thrown
  }
  let isHeld = true
  return {
    release: () => {
      if (isHeld) db.close()
      isHeld = false
    },
  }
}

function isBusy(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'errcode' in thrown ? thrown.errcode : undefined
  return typeof code === 'number' && (code & 0xff) === sqliteBusy
}

/** The caller holds the slot. */
function keptId(path: string): string {
  const known = read(path)
  if (idShape.test(known)) return known
  const fresh = uuid(systemRandom)
  // Whole or not at all: a half-written id would be another one.
  writeFileSync(`${path}.new`, fresh, { flush: true })
  renameSync(`${path}.new`, path)
  return fresh
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return ''
    throw thrown
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
}

function slotError(directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const isReadOnly = ['EACCES', 'EPERM', 'EROFS'].includes(String(codeOf(cause)))
  const text = `cannot take a slot in ${directory}: ${messageOf(cause)}`
  return new MillraceError(isReadOnly ? 'log-read-only' : 'log-failed', text, {
    cause,
    hint: 'the state directory must be on a local disk and writable; or stateDirectory: null',
  })
}
