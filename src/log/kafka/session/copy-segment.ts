/** Reading one file of a local copy; see copy-entry.ts for what is in it. */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { CopyEntry, CopyIdentity } from './copy-entry.ts'
import { entryHeadBytes, isWhole, readEntryHead, segmentHead } from './copy-entry.ts'

/** What a segment holds, as far as it is whole. */
export interface Segment {
  readonly path: string
  /** Where the entry before its first one ended: equal to that one's base where it is the first. */
  readonly after: number
  /** Offset after its last whole entry. */
  end: number
  /** Length up to there. */
  bytes: number
}

export interface PlacedEntry extends CopyEntry {
  readonly after: number
  /** Length of the segment up to its end. */
  readonly fileEnd: number
}

/**
 * The entries of a segment in order, up to the first that is cut off or not as it was written; none
 * where its head is another's.
 */
export async function* readSegment(
  path: string,
  identity: CopyIdentity,
): AsyncGenerator<PlacedEntry> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const own = segmentHead(identity)
    if (size < own.length) return
    if (!(await readAt(file, 0, own.length)).equals(own)) return
    for (let at = own.length; at + entryHeadBytes <= size;) {
      const head = await readAt(file, at, entryHeadBytes)
      const { length, after, base, to } = readEntryHead(head)
      at += entryHeadBytes
      // Before it is checked a length may be anything.
      if (length > size - at) return
      const bytes = await readAt(file, at, length)
      if (!isWhole(head, bytes)) return
      at += length
      yield { after, base, to, bytes, fileEnd: at }
    }
  } finally {
    await file.close()
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done)
    if (bytesRead === 0) return buffer.fill(0, done) // cut off meanwhile: fails its checksum
    done += bytesRead
  }
  return buffer
}
