/**
 * The file of a simulated embedded log: frames one behind the other, each one change of the log.
 * A frame's checksum goes on from that of the frame before, so a frame counts only where all
 * before it do: what follows a torn one is not read.
 *
 * A frame: mark (u32), bytes of the change (u32), checksum of the change (u32), change.
 */
import { deserialize, serialize } from 'node:v8'
import { crc32 } from 'node:zlib'
import type {
  AppendBatch,
  CommitBatch,
  GroupOffset,
  ProducerStamp,
  TaskSpec,
  TopicConfig,
} from '../../../log/log.ts'

/** What the log contract acknowledges. Done again in order on an empty log it gives the same. */
export type Change =
  | {
      readonly kind: 'create-topic' | 'alter-topic'
      readonly name: string
      readonly config: Partial<TopicConfig>
    }
  | { readonly kind: 'delete-topic'; readonly name: string }
  | {
      readonly kind: 'append'
      readonly batches: readonly AppendBatch[]
      readonly stamp: ProducerStamp | undefined
    }
  | { readonly kind: 'trim'; readonly offsets: readonly GroupOffset[] }
  | {
      readonly kind: 'commit-group'
      readonly group: string
      readonly offsets: readonly GroupOffset[]
    }
  | { readonly kind: 'delete-group'; readonly group: string }
  | { readonly kind: 'open'; readonly spec: TaskSpec }
  | {
      readonly kind: 'commit'
      readonly pipeline: string
      readonly task: string
      readonly epoch: number
      readonly commit: CommitBatch
    }
  | { readonly kind: 'maintain' }

/** A change and the wall clock's time of it. */
export interface Entry {
  readonly nowMs: number
  readonly change: Change
}

export interface ReadFrames {
  readonly entries: readonly Entry[]
  /** Where the last whole frame begins and ends; 0 and 0 where there is none. */
  readonly lastAt: number
  readonly end: number
  /** Checksum of the last whole frame, which the next one goes on from. */
  readonly checksum: number
}

export interface FrameFormat {
  /** @param checksum of the frame before, 0 at the start */
  encode(entry: Entry, checksum: number): { readonly bytes: Buffer; readonly checksum: number }
  /** All frames up to the first that is not whole. */
  read(file: Buffer): ReadFrames
}

const mark = 0x4d4c_5746
const headBytes = 12

export const frames: FrameFormat = {
  encode: (entry, before) => {
    const body = serialize(entry)
    const checksum = crc32(body, before)
    const bytes = Buffer.alloc(headBytes + body.length)
    bytes.writeUInt32LE(mark, 0)
    bytes.writeUInt32LE(body.length, 4)
    bytes.writeUInt32LE(checksum, 8)
    bytes.set(body, headBytes)
    return { bytes, checksum }
  },
  read: (file) => {
    const entries: Entry[] = []
    let [lastAt, end, checksum] = [0, 0, 0]
    while (end + headBytes <= file.length && file.readUInt32LE(end) === mark) {
      const bodyAt = end + headBytes
      const bodyEnd = bodyAt + file.readUInt32LE(end + 4)
      if (bodyEnd > file.length) break
      const body = file.subarray(bodyAt, bodyEnd)
      const found = crc32(body, checksum)
      if (found !== file.readUInt32LE(end + 8)) break
      checksum = found
      entries.push(entryOf(body))
      lastAt = end
      end = bodyEnd
    }
    return { entries, lastAt, end, checksum }
  },
}

/** What `serialize` gave, its blocks as buffers of their own. */
export function entryOf(body: Uint8Array): Entry {
  return deserialize(body) as Entry
}
