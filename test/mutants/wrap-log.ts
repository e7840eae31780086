/** Changing single methods of a log, its readers and its sessions. */
import type { LogCaseId } from '../../src/log/log.conformance.ts'
import type { Log, Reader, Session } from '../../src/log/log.ts'
import type { MemoryLog } from '../../src/log/memory/memory-log.ts'
import type { MemoryStore } from '../../src/log/memory/memory-store.ts'

/** What the handles on one storage share: the data, and notes of a mutant. */
export interface Storage {
  readonly store: MemoryStore
  readonly notes: Map<string, unknown>
}

export interface LogMutant {
  readonly name: string
  /** A case of this id must fail. */
  readonly breaks: LogCaseId
  /** Breaks one handle on a storage. */
  readonly wrap: (log: MemoryLog, storage: Storage) => Log
}

/**
 * `target` with some members replaced; the others work on `target` itself, whose private fields
 * they need.
 */
export function change<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const from = Object.hasOwn(members, name) ? (members as T) : target
      const member: unknown = Reflect.get(from, name, from)
      return typeof member === 'function' ? member.bind(from) : member
    },
  })
}

/** `target` with `run` called before each call of a method. */
export function beforeEach<T extends object>(target: T, run: () => void): T {
  return new Proxy(target, {
    get(_target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        run()
        return Reflect.apply(member, target, args)
      }
    },
  })
}

export function withSessions(log: Log, wrap: (session: Session) => Session): Log {
  return change(log, { open: async (task) => wrap(await log.open(task)) })
}

export function withReaders(log: Log, wrap: (reader: Reader) => Reader): Log {
  return change(log, { openReader: async (...args) => wrap(await log.openReader(...args)) })
}
