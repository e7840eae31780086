/** Moves the WAL into the main file, as any process on the same directory may: the CLI for one. */
import { join } from 'node:path'
import type { Random } from '../../src/core/random.ts'
import { Store } from '../../src/log/embedded/db.ts'
import { fileName } from '../../src/log/embedded/schema.ts'

const kinds = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'] as const

export function checkpoint(dir: string, random: Random): void {
  const store = new Store(join(dir, fileName), { mode: 'write', busyMs: 1000 })
  store.pragma(`wal_checkpoint(${kinds[random.int(kinds.length)] as string})`)
  store.close()
}
