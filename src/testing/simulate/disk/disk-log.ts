/**
 * The embedded log on a simulated disk. It keeps the promises of the real one: acknowledged is
 * synced, nothing is seen before, a full disk changes nothing, a sync that failed is an unknown
 * outcome and the log goes on when the disk does. Handles on one storage are processes on one data
 * directory. What it does not have: group commit, retention by itself (call `maintain`), and
 * freeing of space (the file only grows).
 */
import { type Clock, systemClock } from '../../../core/clock.ts'
import { MillraceError } from '../../../core/error.ts'
import type { Log } from '../../../log/log.ts'
import { type MemoryLog, openMemoryLog } from '../../../log/memory/memory-log.ts'
import { powerLost } from './disk-model.ts'
import { DiskSession } from './disk-session.ts'
import type { DiskStorage, OpenStore } from './disk-storage.ts'
import type { Change } from './frame.ts'

export interface DiskLog extends Log {
  readonly kind: 'embedded'
  /** Applies retention and compaction now. */
  maintain(): Promise<void>
  /** The process dies: its sessions and memberships are gone, the cache of the disk stays. */
  crash(): Promise<void>
}

export interface DiskLogOptions {
  readonly storage: DiskStorage
  /** For append times and the time-out of `wait`. Default: the machine's. */
  readonly clock?: Clock
}

/**
 * @throws `log-failed` where the disk fails: then nothing was opened · `log-closed` where power is
 * lost meanwhile
 */
export async function openDiskLog({ storage, clock }: DiskLogOptions): Promise<DiskLog> {
  const opened = await storage.enter()
  return diskLog(new Handle(storage, opened, clock ?? systemClock))
}

/** One process's hold on the storage. */
class Handle {
  readonly memory: MemoryLog
  readonly opened: OpenStore
  readonly #storage: DiskStorage
  readonly #clock: Clock
  #isClosed = false

  constructor(storage: DiskStorage, opened: OpenStore, clock: Clock) {
    this.#storage = storage
    this.opened = opened
    this.#clock = clock
    this.memory = openMemoryLog({ store: opened.store, clock })
  }

  /** @throws `log-closed` */
  check(): void {
    if (this.#isClosed) throw new MillraceError('log-closed', 'the simulated log was closed')
    if (this.opened.losses !== this.#storage.disk.losses) throw powerLost()
  }

  read<R>(work: (log: MemoryLog) => Promise<R>): Promise<R> {
    this.check()
    return work(this.memory)
  }

  /** `apply` runs at once where the change is on the disk. */
  write<R>(change: Change, apply: () => R): R {
    this.check()
    return this.#storage.write({ nowMs: this.#clock.now(), change }, apply)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.memory.close()
    this.#storage.leave(this.opened)
  }
}

function diskLog(handle: Handle): DiskLog {
  const { memory, opened } = handle
  const { store } = opened
  return {
    kind: 'embedded',
    place: 'a simulated disk',
    ...topicsOf(handle),
    append: async (batches, stamp) => {
      handle.check()
      store.prepare(batches, stamp) // what is refused is not written
      return await handle.write({ kind: 'append', batches, stamp }, () =>
        memory.append(batches, stamp),
      )
    },
    openReader: async (...args) => await handle.read((log) => log.openReader(...args)),
    offsetAtTime: async (...args) => await handle.read((log) => log.offsetAtTime(...args)),
    groups: async () => await handle.read((log) => log.groups()),
    commitGroup: async (group, offsets) => {
      handle.check()
      // Who runs a pipeline is not in the file; the memory log says that somebody does.
      if (store.ownerOf(group) !== null) return await memory.commitGroup(group, offsets)
      await handle.write({ kind: 'commit-group', group, offsets }, () =>
        memory.commitGroup(group, offsets),
      )
    },
    deleteGroup: async (group) => {
      handle.check()
      if (store.ownerOf(group) !== null) return await memory.deleteGroup(group)
      await handle.write({ kind: 'delete-group', group }, () => memory.deleteGroup(group))
    },
    join: async (options) => await handle.read((log) => log.join(options)),
    open: async (spec) => {
      const session = await handle.write({ kind: 'open', spec }, () => memory.open(spec))
      return new DiskSession({ session, store, write: handle.write.bind(handle) })
    },
    maintain: async () => await handle.write({ kind: 'maintain' }, () => memory.maintain()),
    close: async () => await handle.close(),
    crash: async () => await handle.close(),
  }
}

type TopicMethods = 'createTopic' | 'alterTopic' | 'deleteTopic' | 'trim'

function topicsOf(handle: Handle): Pick<Log, TopicMethods | 'describeTopic' | 'listTopics'> {
  const { memory, opened } = handle
  return {
    createTopic: async (name, config = {}) => {
      handle.check()
      // Nothing to do, or an error.
      if (opened.store.topics.has(name)) return await memory.createTopic(name, config)
      return await handle.write({ kind: 'create-topic', name, config }, () =>
        memory.createTopic(name, config),
      )
    },
    alterTopic: async (name, config) =>
      await handle.write({ kind: 'alter-topic', name, config }, () =>
        memory.alterTopic(name, config),
      ),
    deleteTopic: async (name) =>
      await handle.write({ kind: 'delete-topic', name }, () => memory.deleteTopic(name)),
    describeTopic: async (name) => await handle.read((log) => log.describeTopic(name)),
    listTopics: async () => await handle.read((log) => log.listTopics()),
    trim: async (offsets) =>
      await handle.write({ kind: 'trim', offsets }, () => memory.trim(offsets)),
  }
}
