/**
 * Which input's record comes next: global tables first, then the smallest event time, so that no
 * input makes another one late while a task catches up.
 */
import type { Cursor } from './cursor.ts'

/** The ready cursor whose record comes next, of equal ones the first; `except` is left out. */
export function earliest(cursors: readonly Cursor[], except: Cursor | null): Cursor | null {
  let least: Cursor | null = null
  for (const cursor of cursors) {
    if (cursor === except || !cursor.ready) continue
    if (cursor.isGlobal) return cursor
    if (least === null || cursor.timeMs < least.timeMs) least = cursor
  }
  return least
}
