/**
 * Which file it is, whatever its name: device and inode, and what it begins with, as an inode is
 * given to another file when the first one is gone.
 */
import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

export interface FileIdentity {
  /** `device:inode`. */
  readonly id: string
  /** How many bytes from its beginning the fingerprint is of: those that will not change. */
  readonly headBytes: number
  readonly fingerprint: string
}

/** More would tell files apart no better, and is read at every look. */
export const headBytesMax = 1024

export function idOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

export function fingerprintOf(head: Buffer): string {
  return createHash('sha256').update(head).digest('hex').slice(0, 16)
}

/** The first bytes of a file; fewer where it has not as many. */
export async function readHead(handle: FileHandle, length: number): Promise<Buffer> {
  const head = Buffer.alloc(length)
  let have = 0
  while (have < length) {
    const { bytesRead } = await handle.read(head, have, length - have, have)
    if (bytesRead === 0) break
    have += bytesRead
  }
  return head.subarray(0, have)
}

/** Whether the open file begins as this one did. */
export async function beginsAs(handle: FileHandle, identity: FileIdentity): Promise<boolean> {
  const head = await readHead(handle, identity.headBytes)
  return head.length === identity.headBytes && fingerprintOf(head) === identity.fingerprint
}
