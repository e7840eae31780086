/** Moves the WAL into the main file, as any process on the same directory may: the CLI for one. */
import { join } from 'node:path'
import type { Random } from '../../src/core/random.ts'
import { Store, storeError } from '../../src/log/embedded/db.ts'
import { fileName } from '../../src/log/embedded/schema.ts'

/** `PASSIVE` is no way for a disk that fails: see src/log/embedded/wal-moves.ts. */
const kinds = ['FULL', 'RESTART', 'TRUNCATE', 'PASSIVE'] as const

export function checkpoint(dir: string, random: Random, disk: 'well' | 'failing' = 'well'): void {
  const store = new Store(join(dir, fileName), { mode: 'write', busyMs: 1000 })
  const kind = kinds[random.int(disk === 'well' ? 4 : 3)] as string
  try {
    store.pragma(`wal_checkpoint(${kind})`)
  } catch (error) {
    throw storeError(error, store.path, 'move')
  } finally {
    store.close()
  }
}
