/** A map state: an entry of the store for each of its entries. */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { MapState } from '../../pipeline/process-state.ts'
import { absent } from '../state/store.ts'
import type { Entry } from '../state/store.ts'
import type { Collections } from './collections.ts'
import type { InHand } from './in-hand.ts'

export class MapHandle implements MapState<Key, unknown> {
  readonly #entries: Collections
  readonly #hand: InHand

  constructor(entries: Collections, hand: InHand) {
    this.#entries = entries
    this.#hand = hand
  }

  get size(): number {
    return this.#entries.of(this.#hand.key)?.size ?? 0
  }

  get(key: Key): unknown {
    const entry = this.#find(key)
    return entry === undefined || entry.value === absent ? undefined : entry.value
  }

  has(key: Key): boolean {
    const entry = this.#find(key)
    return entry !== undefined && entry.value !== absent
  }

  set(key: Key, value: unknown): void {
    const owner = this.#hand.key
    const found = this.#entries.of(owner) ?? this.#entries.begin()
    const space = this.#entries.spaceOf(found)
    const { elements } = this.#entries
    const entry = elements.find(space, key)
    const isNew = entry === undefined || entry.value === absent
    if (entry === undefined) elements.make(space, key, value)
    else elements.write(entry, value)
    if (isNew) this.#entries.resize(owner, found, found.size + 1)
  }

  delete(key: Key): boolean {
    const owner = this.#hand.key
    const found = this.#entries.of(owner)
    const entry = found === undefined ? undefined : this.#find(key)
    if (found === undefined || entry === undefined || entry.value === absent) return false
    this.#entries.elements.write(entry, absent)
    this.#entries.resize(owner, found, found.size - 1)
    return true
  }

  keys(): Key[] {
    return this.#sorted().map(({ key }) => key)
  }

  values(): unknown[] {
    return this.#sorted().map(({ value }) => value)
  }

  entries(): [Key, unknown][] {
    return this.#sorted().map(({ key, value }) => [key, value])
  }

  clear(): void {
    const owner = this.#hand.key
    const found = this.#entries.of(owner)
    if (found === undefined) return
    const { elements } = this.#entries
    for (const entry of this.#live()) elements.write(entry, absent)
    this.#entries.resize(owner, found, 0)
  }

  #find(key: Key): Entry | undefined {
    const found = this.#entries.of(this.#hand.key)
    if (found === undefined) return undefined
    return this.#entries.elements.find(this.#entries.spaceOf(found), key)
  }

  #live(): Entry[] {
    const found = this.#entries.of(this.#hand.key)
    if (found === undefined) return []
    const live: Entry[] = []
    for (const entry of this.#entries.spaceOf(found).entries.values()) {
      if (entry.value !== absent) live.push(entry)
    }
    return live
  }

  /** The store has no order of its own that would outlast a restart. */
  #sorted(): Entry[] {
    return this.#live().sort((a, b) => compareKeys(a.key, b.key))
  }
}
