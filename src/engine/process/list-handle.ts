/** A list state: an entry of the store for each `chunkElements` of its elements. */
import { assert } from '../../core/assert.ts'
import type { ListState } from '../../pipeline/process-state.ts'
import { absent } from '../state/store.ts'
import type { Namespace } from '../state/store.ts'
import type { Collection, Collections } from './collections.ts'
import type { InHand } from './in-hand.ts'

/** So much is written again by a commit where one element has come. */
const chunkElements = 32

/** A piece of the list. Its array may hold more, put there by a later or undone version. */
interface Chunk {
  readonly elements: unknown[]
  readonly length: number
}

export class ListHandle implements ListState<unknown> {
  readonly #chunks: Collections
  readonly #hand: InHand

  constructor(chunks: Collections, hand: InHand) {
    this.#chunks = chunks
    this.#hand = hand
  }

  get size(): number {
    return this.#chunks.of(this.#hand.key)?.size ?? 0
  }

  push(value: unknown): void {
    const owner = this.#hand.key
    const found = this.#chunks.of(owner) ?? this.#chunks.begin()
    const { elements } = this.#chunks
    const number = Math.floor(found.size / chunkElements)
    const space = this.#chunks.spaceOf(found)
    const entry = elements.find(space, number)
    if (entry === undefined) elements.make(space, number, { elements: [value], length: 1 })
    else if (entry.value === absent) elements.write(entry, { elements: [value], length: 1 })
    else elements.write(entry, pushed(entry.value as Chunk, value))
    this.#chunks.resize(owner, found, found.size + 1)
  }

  at(index: number): unknown {
    const found = this.#chunks.of(this.#hand.key)
    if (found === undefined) return undefined
    const place = index < 0 ? found.size + index : index
    if (!Number.isInteger(place) || place < 0 || place >= found.size) return undefined
    const chunk = this.#chunk(this.#chunks.spaceOf(found), Math.floor(place / chunkElements))
    return chunk.elements[place % chunkElements]
  }

  toArray(): unknown[] {
    const found = this.#chunks.of(this.#hand.key)
    const all: unknown[] = []
    if (found === undefined) return all
    const space = this.#chunks.spaceOf(found)
    for (let number = 0; all.length < found.size; number++) {
      const chunk = this.#chunk(space, number)
      for (let i = 0; i < chunk.length; i++) all.push(chunk.elements[i])
    }
    return all
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.toArray()[Symbol.iterator]()
  }

  replace(values: Iterable<unknown>): void {
    const list = [...values] // of the user's, so before anything changes
    this.clear()
    if (list.length === 0) return
    const owner = this.#hand.key
    const begun = this.#chunks.begin()
    for (let from = 0; from < list.length; from += chunkElements) {
      const elements = list.slice(from, from + chunkElements)
      const space = this.#chunks.spaceOf(begun)
      const chunk: Chunk = { elements, length: elements.length }
      const number = from / chunkElements
      const entry = this.#chunks.elements.find(space, number)
      if (entry === undefined) this.#chunks.elements.make(space, number, chunk)
      else this.#chunks.elements.write(entry, chunk)
    }
    this.#chunks.resize(owner, begun, list.length)
  }

  clear(): void {
    const owner = this.#hand.key
    const found = this.#chunks.of(owner)
    if (found === undefined) return
    this.#clearChunks(found)
    this.#chunks.resize(owner, found, 0)
  }

  #clearChunks(found: Collection): void {
    for (const entry of this.#chunks.spaceOf(found).entries.values()) {
      if (entry.value !== absent) this.#chunks.elements.write(entry, absent)
    }
  }

  #chunk(space: Namespace, number: number): Chunk {
    const value = this.#chunks.elements.find(space, number)?.value ?? absent
    assert(value !== absent, () => `piece ${number} of list ${space.id} is not there`)
    return value as Chunk
  }
}

/** The array is shared where nobody has put anything behind this version. */
function pushed({ elements, length }: Chunk, value: unknown): Chunk {
  if (elements.length > length)
    return { elements: [...elements.slice(0, length), value], length: length + 1 }
  elements.push(value)
  return { elements, length: length + 1 }
}

export function toChunkState(value: unknown): unknown {
  const { elements, length } = value as Chunk
  return elements.length === length ? elements : elements.slice(0, length)
}

export function fromChunkState(state: unknown): unknown {
  const elements = state as unknown[]
  return { elements, length: elements.length } satisfies Chunk
}
