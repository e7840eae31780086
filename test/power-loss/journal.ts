/** Reads what `recorder.c` has written down: what a process did to its files, in order. */
import assert from 'node:assert/strict'

export type DiskEvent =
  /** A number for a file that was there before, or is new. A file may have several. */
  | { readonly kind: 'open' | 'create'; readonly file: number; readonly path: string }
  | {
      readonly kind: 'write'
      readonly file: number
      readonly at: number
      readonly bytes: Buffer
    }
  | { readonly kind: 'truncate'; readonly file: number; readonly size: number }
  | { readonly kind: 'sync' | 'sync-failed'; readonly file: number }
  | { readonly kind: 'sync-directory' | 'make-directory' | 'unlink'; readonly path: string }
  /** What the process said of itself. */
  | { readonly kind: 'note'; readonly text: string }

/** struct head of recorder.c. */
const headBytes = 24

/** A last event that the process was killed in is left out. */
export function readJournal(journal: Buffer): DiskEvent[] {
  const events: DiskEvent[] = []
  for (let at = 0; at + headBytes <= journal.length;) {
    const file = journal.readUInt32LE(at + 4)
    const position = Number(journal.readBigUInt64LE(at + 8))
    const end = at + headBytes + journal.readUInt32LE(at + 16)
    if (end > journal.length) break
    const bytes = journal.subarray(at + headBytes, end)
    events.push(eventOf(String.fromCharCode(journal.readUInt32LE(at)), { file, position, bytes }))
    at = end
  }
  return events
}

function eventOf(
  kind: string,
  { file, position, bytes }: { file: number; position: number; bytes: Buffer },
): DiskEvent {
  switch (kind) {
    case 'o':
      return { kind: 'open', file, path: bytes.toString() }
    case 'c':
      return { kind: 'create', file, path: bytes.toString() }
    case 'w':
      return { kind: 'write', file, at: position, bytes }
    case 't':
      return { kind: 'truncate', file, size: position }
    case 'f':
      return { kind: 'sync', file }
    case 'x':
      return { kind: 'sync-failed', file }
    case 'd':
      return { kind: 'sync-directory', path: bytes.toString() }
    case 'm':
      return { kind: 'make-directory', path: bytes.toString() }
    case 'u':
      return { kind: 'unlink', path: bytes.toString() }
    case 'n':
      return { kind: 'note', text: bytes.toString() }
    default:
      return assert.fail(`the journal has an event '${kind}', which nobody knows`)
  }
}
