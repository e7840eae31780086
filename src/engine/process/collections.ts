/**
 * Where one map or list state keeps its elements: a namespace for each key, so that each element is
 * an entry of its own and all of a key go at once. A namespace has a number, given when the key's
 * first element comes.
 *
 * Stores: `<state>`: number of the key, element's key → element. `<state>/size`: 0, key → [number,
 * elements]; 1, 0 → the last number given.
 */
import type { Key } from '../../core/key.ts'
import type { Namespace, Store } from '../state/store.ts'

/** The elements of a key: at least one. */
export interface Collection {
  readonly space: number
  readonly size: number
}

export class Collections {
  readonly elements: Store
  readonly #sizes: Store
  /** Largest number given since the start, by undone records too: none is given twice. */
  #last = 0
  /** Namespaces that may be empty now, with their keys: an undone record leaves wrong ones. */
  #emptied: { readonly key: Key; readonly space: number }[] = []

  constructor(elements: Store, sizes: Store) {
    this.elements = elements
    this.#sizes = sizes
  }

  /** undefined: the key has none. */
  of(key: Key): Collection | undefined {
    return this.#sizes.get(key) as Collection | undefined
  }

  /** A collection for a key that has none; to be kept by `resize`. */
  begin(): Collection {
    const kept = (this.#sizes.get(0, 1) as number | undefined) ?? 0
    const space = Math.max(kept, this.#last) + 1
    this.#last = space
    this.#sizes.set(0, space, 1)
    return { space, size: 0 }
  }

  spaceOf({ space }: Collection): Namespace {
    return this.elements.namespace(space)
  }

  /** @param size 0: the key has none any more, its elements are absent already */
  resize(key: Key, { space }: Collection, size: number): void {
    if (size > 0) {
      this.#sizes.set(key, { space, size })
      return
    }
    this.#sizes.delete(key)
    this.#emptied.push({ key, space })
  }

  get hasEmptied(): boolean {
    return this.#emptied.length > 0
  }

  /** Frees what emptied collections have left. Between records only. */
  freeEmptied(): void {
    for (const { key, space } of this.#emptied) {
      if (this.of(key)?.space !== space) this.elements.drop(space)
    }
    this.#emptied = []
  }

  /** Drops the key's elements. Between records only. */
  drop(key: Key): void {
    const collection = this.of(key)
    if (collection === undefined) return
    this.elements.drop(collection.space)
    this.#sizes.delete(key)
  }
}

export function toSizeState(value: unknown): unknown {
  if (typeof value === 'number') return value
  const { space, size } = value as Collection
  return [space, size]
}

export function fromSizeState(state: unknown): unknown {
  if (typeof state === 'number') return state
  const [space, size] = state as [number, number]
  return { space, size } satisfies Collection
}
