/** What `process` keeps of each key under one name. */
import type { Key } from '../../core/key.ts'
import type { Collections } from './collections.ts'

export interface KeyedState {
  readonly name: string
  readonly handle: { clear(): void }
  /** Drops what the key has of it. Between records only. */
  drop(key: Key): void
  /** null: it leaves nothing behind that is to be freed between records. */
  readonly collections: Collections | null
}
