/**
 * How a local copy of a changelog is written: segments, each a head that says whose it is, then
 * entries of one blob each. Everything is under a checksum, and each entry says where the one
 * before it ended, so that a hole shows.
 */
import { crc32 } from 'node:zlib'

/** Whose changelog it is. A topic that is made anew has another id. */
export interface CopyIdentity {
  readonly clusterId: string
  readonly topicId: string
  readonly topic: string
  readonly partition: number
}

/** One blob of a changelog, as a commit wrote it. */
export interface CopyEntry {
  /** Offset of its first record. */
  readonly base: number
  /** Offset after its last record. */
  readonly to: number
  readonly bytes: Uint8Array
}

/** Grows with a change of what is written; copies of other versions are not read. */
const formatVersion = 1
const magic = 'MRCOPY'
/** Checksum and length. */
const frameBytes = 8
/** In front of an entry's blob: where the entry before ended, base, to. */
export const entryHeadBytes: number = frameBytes + 3 * 8

export function segmentHead(identity: CopyIdentity): Buffer {
  const { clusterId, topicId, topic, partition } = identity
  const text = JSON.stringify([magic, formatVersion, clusterId, topicId, topic, partition])
  const head = Buffer.alloc(frameBytes + Buffer.byteLength(text))
  head.write(text, frameBytes)
  return framed(head, head.length - frameBytes)
}

/** @param after where the entry before it ended */
export function entryHead({ base, to, bytes }: CopyEntry, after: number): Buffer {
  const head = Buffer.alloc(entryHeadBytes)
  head.writeDoubleLE(after, 8)
  head.writeDoubleLE(base, 16)
  head.writeDoubleLE(to, 24)
  head.writeUInt32LE(bytes.length, 4)
  head.writeUInt32LE(crc32(bytes, crc32(head.subarray(4))), 0)
  return head
}

export interface ReadHead {
  readonly checksum: number
  /** Of the blob. */
  readonly length: number
  readonly after: number
  readonly base: number
  readonly to: number
}

/** Not checked yet: the checksum is over the blob, too. */
export function readEntryHead(head: Buffer): ReadHead {
  return {
    checksum: head.readUInt32LE(0),
    length: head.readUInt32LE(4),
    after: head.readDoubleLE(8),
    base: head.readDoubleLE(16),
    to: head.readDoubleLE(24),
  }
}

export function isWhole(head: Buffer, bytes: Uint8Array): boolean {
  return crc32(bytes, crc32(head.subarray(4, entryHeadBytes))) === head.readUInt32LE(0)
}

function framed(buffer: Buffer, length: number): Buffer {
  buffer.writeUInt32LE(length, 4)
  buffer.writeUInt32LE(crc32(buffer.subarray(4)), 0)
  return buffer
}
