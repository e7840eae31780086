/**
 * Keyed state of one step: the only memory of an operator that outlives a record (O3). Two levels:
 * a namespace (a window's start; 0 where there is none) and a key. Values are persistent: to change
 * one, set another. Every write is journaled until the record is done, so that it can be undone
 * (O4), and marks its entry dirty, so that a commit packs each entry once.
 */
import { assert } from '../../core/assert.ts'
import type { Key } from '../../core/key.ts'
import { stateKey } from '../../core/key.ts'
import { KeyMap } from './key-map.ts'

/** What an absent entry holds in the journal. */
export const absent: unique symbol = Symbol('absent')

export class Entry {
  readonly namespace: Namespace
  readonly key: Key
  value: unknown
  /** The commit in which it was last written. */
  dirtyIn = -1

  constructor(namespace: Namespace, key: Key) {
    this.namespace = namespace
    this.key = key
    this.value = absent
  }
}

export class Namespace {
  readonly store: Store
  readonly id: number
  readonly entries: KeyMap<Entry> = new KeyMap()
  dropped = false

  constructor(store: Store, id: number) {
    this.store = store
    this.id = id
  }
}

/** Collects old values while one record is processed. Shared by all stores of a task. */
export class Journal {
  #entries: Entry[] = []
  #olds: unknown[] = []
  #length = 0
  /** Number of the commit that is being prepared: entries written in it are dirty. */
  commitNumber = 0

  /** Forgets the last record's writes: they stand. */
  begin(): void {
    this.#length = 0
  }

  /** Remembers what an entry held before a write. */
  add(entry: Entry, old: unknown): void {
    const at = this.#length++
    this.#entries[at] = entry
    this.#olds[at] = old
  }

  /**
   * Puts back, newest first, what was written since `begin`. An entry made since then is absent
   * again.
   */
  undo(): void {
    for (let i = this.#length - 1; i >= 0; i--) (this.#entries[i] as Entry).value = this.#olds[i]
    this.#length = 0
  }
}

export interface StoreSpec {
  /** Unique in the task and stable over releases of the pipeline: `<step>` or `<step>/<part>`. */
  readonly name: string
  /** To and from what is written; identity where the value itself can be. */
  readonly toState: (value: unknown) => unknown
  readonly fromState: (state: unknown) => unknown
}

export class Store {
  readonly spec: StoreSpec
  readonly namespaces: Map<number, Namespace> = new Map()
  readonly #journal: Journal
  /** Entries written since the last commit, each once. */
  dirty: Entry[] = []
  /** What one of its entries takes in the changelog, about: as measured last. */
  entryBytes = 64
  /** Namespaces dropped since the last commit. */
  drops: number[] = []

  constructor(spec: StoreSpec, journal: Journal) {
    this.spec = spec
    this.#journal = journal
  }

  /** The namespace, made when it is not there. */
  namespace(id: number): Namespace {
    const found = this.namespaces.get(id)
    if (found !== undefined) return found
    const made = new Namespace(this, id)
    this.namespaces.set(id, made)
    return made
  }

  /**
   * The entry of a key, or undefined. It may hold `absent`: deleted, but not committed yet. Changed
   * by `write` only.
   */
  find(namespace: Namespace, key: Key): Entry | undefined {
    return namespace.entries.get(stateKey(key))
  }

  /** Makes the entry of a key that has none and writes it. */
  make(namespace: Namespace, key: Key, value: unknown): Entry {
    assert(
      !namespace.dropped,
      () => `namespace ${namespace.id} of store '${this.spec.name}' was dropped`,
    )
    const entry = new Entry(namespace, key)
    namespace.entries.add(stateKey(key), entry)
    this.write(entry, value)
    return entry
  }

  write(entry: Entry, value: unknown): void {
    this.#journal.add(entry, entry.value)
    entry.value = value
    if (entry.dirtyIn !== this.#journal.commitNumber) {
      entry.dirtyIn = this.#journal.commitNumber
      this.dirty.push(entry)
    }
  }

  /** The value of a key, or undefined. */
  get(key: Key, namespace = 0): unknown {
    const found = this.namespaces.get(namespace)
    const entry = found === undefined ? undefined : this.find(found, key)
    return entry === undefined || entry.value === absent ? undefined : entry.value
  }

  /** Sets the value of a key. */
  set(key: Key, value: unknown, namespace = 0): void {
    const space = this.namespace(namespace)
    const entry = this.find(space, key)
    if (entry === undefined) this.make(space, key, value)
    else this.write(entry, value)
  }

  /** Removes a key. Harmless when it is not there. */
  delete(key: Key, namespace = 0): void {
    const space = this.namespaces.get(namespace)
    const entry = space === undefined ? undefined : this.find(space, key)
    if (entry !== undefined && entry.value !== absent) this.write(entry, absent)
  }

  /**
   * Takes out the entries that are absent for good; to be called for each dirty entry when it is
   * packed.
   */
  settle(entry: Entry): void {
    if (entry.value === absent && !entry.namespace.dropped)
      entry.namespace.entries.remove(stateKey(entry.key))
  }

  /** Puts back a value read from the changelog. */
  restore(namespaceId: number, key: Key, state: unknown): void {
    const namespace = this.namespace(namespaceId)
    let entry = this.find(namespace, key)
    if (entry === undefined) {
      entry = new Entry(namespace, key)
      namespace.entries.add(stateKey(key), entry)
    }
    entry.value = this.spec.fromState(state)
  }

  /** Takes a key out that the changelog says is gone. */
  restoreAbsent(namespaceId: number, key: Key): void {
    const entries = this.namespaces.get(namespaceId)?.entries
    if (entries?.get(stateKey(key)) !== undefined) entries.remove(stateKey(key))
  }

  /** Removes a namespace with all its keys. Cannot be undone: only between records. */
  drop(id: number): void {
    const space = this.namespaces.get(id)
    if (space === undefined) return
    space.dropped = true
    this.namespaces.delete(id)
    this.drops.push(id)
  }
}
