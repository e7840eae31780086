/** The start after a power cut. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Store } from '../../src/log/embedded/db.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { fileName } from '../../src/log/embedded/schema.ts'
import type { Log } from '../../src/log/log.ts'
import { expectKept, seenIn } from './seen.ts'
import type { Seen } from './seen.ts'

/** @throws an assertion error where the log does not open, is damaged, or misses what was seen */
export async function openAfterCut(dir: string, seen: Seen, place: string): Promise<Log> {
  const log = await openEmbeddedLog({ dir, writer: 'inline' }).catch((error: unknown) =>
    assert.fail(`${place}: the log does not open: ${String(error)}`),
  )
  try {
    const store = new Store(join(dir, fileName), { mode: 'query', busyMs: 1000 })
    assert.equal(store.pragma('integrity_check'), 'ok', place)
    store.close()
    expectKept(seen, await seenIn(log), place)
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}
