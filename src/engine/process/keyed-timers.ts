/**
 * Timers of one kind: at most one for each key and name. They lie in a store; a heap says which is
 * the next.
 *
 * For each timer one entry of the heap counts, the one at `armedMs`, which is not later than the
 * timer: one that moves to a later time leaves it where it is, and it is put right when it comes to
 * the top. All others are left over, from moves to an earlier time and from undone records.
 *
 * Store: namespace `spaces[0]`: key → its timer without a name; `spaces[1]`: text of key and name →
 * any other.
 */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import { KeyTimers } from '../key-timers.ts'
import type { Upcoming } from '../operators/operator.ts'
import { absent } from '../state/store.ts'
import type { Entry, Store } from '../state/store.ts'

export interface SetTimer {
  readonly key: Key
  readonly name: string
  readonly timeMs: number
  /** Event time of what set it. */
  readonly setMs: number
}

/** In the store. */
interface Kept {
  readonly timeMs: number
  readonly setMs: number
  readonly name: string
  /** null: of the entry itself. */
  readonly key: Key | null
  /** Of the heap's entry that counts. No state: may be changed in place. */
  armedMs: number
}

export class KeyedTimers {
  readonly #store: Store
  readonly #spaces: readonly [number, number]
  readonly #queue = new KeyTimers()

  constructor(store: Store, spaces: readonly [number, number]) {
    this.#store = store
    this.#spaces = spaces
  }

  get(key: Key, name: string): number | undefined {
    const entry = this.#find(key, name)
    return entry === undefined || entry.value === absent ? undefined : (entry.value as Kept).timeMs
  }

  set({ key, name, timeMs, setMs }: SetTimer): void {
    const entry = this.#find(key, name)
    const before = entry === undefined || entry.value === absent ? null : (entry.value as Kept)
    const armedMs = before === null ? timeMs : Math.min(before.armedMs, timeMs)
    if (before === null || armedMs < before.armedMs) this.#queue.add(timeMs, key, name)
    const kept: Kept = { timeMs, setMs, name, key: name === '' ? null : key, armedMs }
    if (entry !== undefined) this.#store.write(entry, kept)
    else {
      const space = this.#store.namespace(this.#spaces[name === '' ? 0 : 1])
      this.#store.make(space, name === '' ? key : textOf(key, name), kept)
    }
  }

  cancel(key: Key, name: string): void {
    const entry = this.#find(key, name)
    if (entry !== undefined && entry.value !== absent) this.#store.write(entry, absent)
  }

  /** Least time of a timer; Infinity when there is none. Between records only. */
  nextMs(): number {
    const queue = this.#queue
    for (;;) {
      const { leastMs } = queue
      if (leastMs === Number.POSITIVE_INFINITY) return leastMs
      const { leastKey: key, leastName: name } = queue
      const value = this.#find(key, name)?.value ?? absent
      if (value !== absent && (value as Kept).armedMs === leastMs) {
        const kept = value as Kept
        if (kept.timeMs === leastMs) return leastMs
        kept.armedMs = kept.timeMs
        queue.add(kept.timeMs, key, name)
      }
      queue.take()
    }
  }

  /** At most the least time of a timer; Infinity when there is none. Cheap. */
  get dueMs(): number {
    return this.#queue.leastMs
  }

  /** Takes out the timer of which `nextMs` has just told. */
  take(): SetTimer {
    const { leastKey: key, leastName: name } = this.#queue
    const entry = this.#find(key, name) as Entry
    const { timeMs, setMs } = entry.value as Kept
    this.#queue.take()
    this.#store.write(entry, absent)
    return { key, name, timeMs, setMs }
  }

  /** All that are set. */
  upcoming(time: Upcoming['time']): Upcoming[] {
    return Array.from(this.#entries(), (entry) => {
      const { key, name, timeMs } = entry.value as Kept
      const at = { startMs: timeMs, endMs: timeMs, dueMs: timeMs }
      return { kind: 'timer', key: key ?? entry.key, name, ...at, time }
    })
  }

  restored(): void {
    for (const entry of this.#entries()) {
      const kept = entry.value as Kept
      this.#queue.add(kept.timeMs, kept.key ?? entry.key, kept.name)
    }
  }

  /** Of all timers that are set. */
  *#entries(): IterableIterator<Entry> {
    for (const space of this.#spaces) {
      for (const entry of this.#store.namespaces.get(space)?.entries.values() ?? []) {
        if (entry.value !== absent) yield entry
      }
    }
  }

  #find(key: Key, name: string): Entry | undefined {
    const space = this.#store.namespaces.get(this.#spaces[name === '' ? 0 : 1])
    if (space === undefined) return undefined
    return this.#store.find(space, name === '' ? key : textOf(key, name))
  }
}

/** Of different keys or names never the same: the name's length stands before it. */
function textOf(key: Key, name: string): string {
  const identity = stateKey(key)
  return `${name.length} ${name}${typeof identity === 'number' ? 'n' : 's'}${identity}`
}

export function toTimerState(value: unknown): unknown {
  const { timeMs, setMs, name, key } = value as Kept
  return key === null ? [timeMs, setMs] : [timeMs, setMs, name, key]
}

export function fromTimerState(state: unknown): unknown {
  const [timeMs, setMs, name = '', key = null] = state as [number, number, string?, Key?]
  return { timeMs, setMs, name, key, armedMs: timeMs } satisfies Kept
}
