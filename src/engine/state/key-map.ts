/**
 * A map from state keys to entries that may grow past the 2^24 entries a JavaScript Map stops at:
 * beyond `shardAt` entries it is split once into 256 maps chosen by a hash of the key. Iteration
 * order is not part of the contract.
 */

const shardCount = 256
/** Below V8's limit of 2^24 with room to spare; 256 shards of this size hold 2^31 keys. */
const defaultShardAt = 1 << 23

export type StateKey = string | number

export class KeyMap<T> {
  #single: Map<StateKey, T> = new Map()
  #shards: Map<StateKey, T>[] | null = null
  #size = 0
  readonly #shardAt: number

  constructor(shardAt = defaultShardAt) {
    this.#shardAt = shardAt
  }

  get size(): number {
    return this.#size
  }

  get(key: StateKey): T | undefined {
    return this.#shards === null ? this.#single.get(key) : this.#shardOf(this.#shards, key).get(key)
  }

  /** Adds an entry that is not there yet. */
  add(key: StateKey, entry: T): void {
    if (this.#shards === null && this.#size >= this.#shardAt) this.#split()
    const map = this.#shards === null ? this.#single : this.#shardOf(this.#shards, key)
    map.set(key, entry)
    this.#size += 1
  }

  /** Removes an entry that is there. */
  remove(key: StateKey): void {
    const map = this.#shards === null ? this.#single : this.#shardOf(this.#shards, key)
    if (map.delete(key)) this.#size -= 1
  }

  /**
   * All entries. Entries added or removed meanwhile may or may not come; each other one comes
   * exactly once, unless the map is split in between: then some come twice, never none.
   */
  *values(): IterableIterator<T> {
    const single = this.#single
    if (this.#shards === null) yield* single.values()
    if (this.#shards !== null) for (const shard of this.#shards) yield* shard.values()
  }

  #split(): void {
    const shards = Array.from({ length: shardCount }, () => new Map<StateKey, T>())
    for (const [key, entry] of this.#single) this.#shardOf(shards, key).set(key, entry)
    this.#shards = shards
    this.#single = new Map()
  }

  #shardOf(shards: Map<StateKey, T>[], key: StateKey): Map<StateKey, T> {
    return shards[shardIndex(key)] as Map<StateKey, T>
  }
}

/** FNV-1a over the characters (strings) or the low 32 bits and the fraction (numbers). */
function shardIndex(key: StateKey): number {
  const text = typeof key === 'string' ? key : String(key)
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  return (hash ^ (hash >>> 16)) & (shardCount - 1)
}
