/** Opens the file for reading, making it where it is missing, and looks up where readers begin. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isCode, MillraceError } from '../../core/error.ts'
import type { GroupOffset, TopicPartition } from '../log.ts'
import { Store, storeError } from './db.ts'
import { makeDirectory } from './directory.ts'
import { checkOffset, unknownPartition, unknownTopic } from './errors.ts'
import { holdLock } from './lock.ts'
import { Presence } from './presence.ts'
import type { StartingInput } from './reader.ts'
import { checkRows, useRowSums } from './row-sums.ts'
import { checkFormat, createFormat, fileName, upgradeFormat } from './schema.ts'
import { rewriteWal } from './wal.ts'

export interface OpenOptions {
  readonly dir: string
  readonly readOnly: boolean
  readonly busyMs: number
}

/** What an open log holds. */
export interface Opened {
  /** The reading connection. It cannot write, by accident either. */
  readonly store: Store
  /** null: read only, without a trace. */
  readonly presence: Presence | null
}

/** @throws see `openEmbeddedLog` */
export function openForReading({ dir, readOnly, busyMs }: OpenOptions): Opened {
  const path = join(dir, fileName)
  if (readOnly) return { store: openReadOnly(path, busyMs), presence: null }
  makeDirectory(dir)
  const lock = holdLock(join(dir, 'locks', 'create.lock'), busyMs)
  if (lock === null) {
    throw new MillraceError(
      'log-busy',
      `another process has been opening ${path} for ${busyMs} ms`,
      { hint: 'try again' },
    )
  }
  try {
    return openLocked(dir, busyMs)
  } finally {
    lock.release()
  }
}

/** One at a time: see `Presence`. */
function openLocked(dir: string, busyMs: number): Opened {
  const path = join(dir, fileName)
  // Before the file itself: when a process dies, its locks go in the order of their making.
  const presence = new Presence(dir)
  let store: Store | undefined
  let isOnDisk = false
  try {
    store = new Store(path, { mode: 'query', busyMs })
    const format = checkFormat(store)
    if (format === 'empty') createFormat(store, dir)
    // Asked when the file is open here: who is there now, was there when it was opened.
    else if (presence.isAlone()) rewriteWal(store)
    isOnDisk = true
    if (format === 'old') {
      store.close()
      upgradeFormat(path, busyMs)
      store = new Store(path, { mode: 'query', busyMs })
    }
    presence.enter()
    useRowSums(store)
    checkRows(store)
    store.exec('PRAGMA query_only = 1')
    return { store, presence }
  } catch (error) {
    presence.leave()
    if (store !== undefined && !isOnDisk) closeUnmoved(store, busyMs)
    store?.close()
    throw storeError(error, path, 'open')
  }
}

/**
 * Whoever closes a file last moves its WAL into it; but here what the WAL gives may not be on the
 * disk. One who only reads cannot, and is the last here.
 */
function closeUnmoved(store: Store, busyMs: number): void {
  let last: Store | undefined
  try {
    last = new Store(store.path, { mode: 'read-only', busyMs })
    checkFormat(last) // it is opened with the first look
  } catch {
    // Not ours, or not to be opened: then there is no WAL of ours either.
  }
  store.close()
  last?.close()
}

function openReadOnly(path: string, busyMs: number): Store {
  if (!existsSync(path)) {
    throw new MillraceError('file-not-found', `there is no log at ${path}`, {
      hint: 'name the data directory of a log: --data DIR',
    })
  }
  try {
    return openChecked(path, { mode: 'read-only', busyMs })
  } catch (error) {
    // Without a WAL nothing can be missing from the main file, and where not even SQLite's shared
    // memory can be made nobody writes. With one, its newest commits cannot be seen, so that is
    // left an error.
    const hasWal = existsSync(`${path}-wal`)
    if (!isCode(error, 'log-read-only') || hasWal) throw error
    return openChecked(path, { mode: 'immutable', busyMs })
  }
}

function openChecked(
  path: string,
  options: { mode: 'read-only' | 'immutable'; busyMs: number },
): Store {
  const store = new Store(path, options)
  try {
    const format = checkFormat(store)
    if (format === 'known') {
      useRowSums(store)
      checkRows(store)
    }
    if (format !== 'empty') return store
    throw new MillraceError('log-damaged', `${path} is empty`, {
      hint: 'name the data directory of a log: --data DIR',
    })
  } catch (error) {
    store.close()
    throw storeError(error, path, 'open')
  }
}

export interface PlaceRow {
  readonly id: number
  readonly start: number
  readonly next: number
}

/** @throws `unknown-topic` · `unknown-partition` */
export function findPartition(store: Store, { topic, partition }: TopicPartition): PlaceRow {
  const row = store.get<PlaceRow>(
    `SELECT p.id, p.start_offset AS start, p.next_offset AS next
     FROM partitions p JOIN topics t ON t.id = p.topic_id WHERE t.name = ? AND p.partition = ?`,
    topic,
    partition,
  )
  if (row !== undefined) return row
  const { count } = store.get<{ count: number }>(
    `SELECT count(*) AS count FROM partitions p JOIN topics t ON t.id = p.topic_id
     WHERE t.name = ?`,
    topic,
  ) ?? { count: 0 }
  throw count === 0 ? unknownTopic(topic) : unknownPartition(topic, partition, count)
}

/**
 * Offsets below a partition's start are moved up to it. @throws `offset-out-of-range` above the
 * end
 */
export function startingInputs(store: Store, inputs: readonly GroupOffset[]): StartingInput[] {
  return inputs.map((input) => {
    const { topic, partition, offset } = input
    const place = findPartition(store, input)
    checkOffset(input, place.next)
    return { topic, partition, partId: place.id, offset: Math.max(offset, place.start) }
  })
}
