/**
 * Which input's record comes next: global tables first, then the smallest event time, so that no
 * input makes another one late while a task catches up.
 */
import type { Session } from '../log/log.ts'
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

/**
 * Looks what is at hand. Marks of a repartition topic take effect as they are pulled, and what they
 * let go may be joined with a global table: so the others are left alone while a global table has
 * records to come.
 * @returns whether all were pulled
 */
export function pullInOrder(cursors: readonly Cursor[], session: Pick<Session, 'behind'>): boolean {
  for (const cursor of cursors) if (cursor.isGlobal) cursor.pull()
  for (const { isGlobal, ready, isPending, input } of cursors) {
    if (isGlobal && (ready || isPending || session.behind(input))) return false
  }
  for (const cursor of cursors) if (!cursor.isGlobal) cursor.pull()
  return true
}

/** Whether the record that comes next may be one that is still being fetched. */
export function isBehind(cursors: readonly Cursor[], session: Pick<Session, 'behind'>): boolean {
  return cursors.some(
    ({ ready, isPending, input }) => !ready && (isPending || session.behind(input)),
  )
}
