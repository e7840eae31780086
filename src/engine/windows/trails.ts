/** The trails of all keys, and in which buckets of time each has something. Memory only. */
import { stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { Entry } from '../state/store.ts'
import { Trail } from './trail.ts'

export class Trails {
  readonly #trails = new Map<string | number, Trail>()
  /** Of each bucket its keys: also those whose records there were undone. */
  readonly #keys = new Map<number, Key[]>()

  of(key: Key): Trail | undefined {
    return this.#trails.get(stateKey(key))
  }

  /** A key has a new entry in a bucket. */
  add(entry: Entry): Trail {
    const { key } = entry
    const bucket = entry.namespace.id
    const identity = stateKey(key)
    let trail = this.#trails.get(identity)
    if (trail === undefined) {
      trail = new Trail(key)
      this.#trails.set(identity, trail)
    }
    if (trail.add(entry) === 'known-bucket') return trail
    const keys = this.#keys.get(bucket)
    if (keys === undefined) this.#keys.set(bucket, [key])
    else keys.push(key)
    return trail
  }

  drop(bucket: number): void {
    for (const key of this.#keys.get(bucket) ?? []) {
      const identity = stateKey(key)
      const trail = this.#trails.get(identity)
      trail?.dropBucket(bucket)
      if (trail?.isEmpty === true) this.#trails.delete(identity)
    }
    this.#keys.delete(bucket)
  }
}
