/** Opens the file for reading, making it where it is missing, and looks up where readers begin. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isCode, MillraceError } from '../../core/error.ts'
import type { GroupOffset, TopicPartition } from '../log.ts'
import { Store, storeError } from './db.ts'
import { makeDirectory } from './directory.ts'
import { checkOffset, unknownPartition, unknownTopic } from './errors.ts'
import type { StartingInput } from './reader.ts'
import { checkFormat, createFormat, fileName } from './schema.ts'

export interface OpenOptions {
  readonly dir: string
  readonly readOnly: boolean
  readonly busyMs: number
}

/** The reading connection. It cannot write, by accident either. @throws see `openEmbeddedLog` */
export function openForReading({ dir, readOnly, busyMs }: OpenOptions): Store {
  const path = join(dir, fileName)
  if (readOnly) return openReadOnly(path, busyMs)
  makeDirectory(dir)
  const store = new Store(path, { mode: 'query', busyMs })
  try {
    if (checkFormat(store) === 'empty') createFormat(store, dir, busyMs)
    store.exec('PRAGMA query_only = 1')
    return store
  } catch (error) {
    store.close()
    throw storeError(error, path, 'open')
  }
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
    if (checkFormat(store) === 'known') return store
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
