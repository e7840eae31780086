/**
 * Which partition a record goes to: Kafka's default partitioner, exact to the bit, so that topics
 * co-partition with other Kafka programs [L7]. MurmurHash 2 (A. Appleby) with Kafka's seed, as
 * `org.apache.kafka.common.utils.Utils.murmur2`.
 */
import { assert } from '../core/assert.ts'

const seed = 0x9747_b28c
const multiplier = 0x5bd1_e995

/** @returns the hash as a signed 32-bit number, as Java's int */
export function murmur2(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let hash = seed ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = mixWord(hash, word)
  }
  if (at < end) {
    const second = at + 1 < end ? bytes[at + 1]! << 8 : 0
    const third = at + 2 < end ? bytes[at + 2]! << 16 : 0
    hash = Math.imul(hash ^ bytes[at]! ^ second ^ third, multiplier)
  }
  return finish(hash)
}

/** The partition of a key's bytes, 0 to partitions − 1. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions
}

/**
 * The partition of a key that is text, of its UTF-8 bytes. ASCII keys are hashed without making
 * bytes.
 */
export function partitionOfText(key: string, partitions: number): number {
  if (partitions === 1) return 0
  return (murmur2Text(key) & 0x7fff_ffff) % partitions
}

/** `murmur2` of the UTF-8 bytes of a text. */
export function murmur2Text(text: string): number {
  const end = text.length
  let hash = seed ^ end
  let at = 0
  let units = 0 // all units or-ed: above 0x7f where one of them is not ASCII
  for (; at + 4 <= end; at += 4) {
    const a = text.charCodeAt(at)
    const b = text.charCodeAt(at + 1)
    const c = text.charCodeAt(at + 2)
    const d = text.charCodeAt(at + 3)
    units |= a | b | c | d
    hash = mixWord(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  if (at < end) {
    const a = text.charCodeAt(at)
    const b = at + 1 < end ? text.charCodeAt(at + 1) : 0
    const c = at + 2 < end ? text.charCodeAt(at + 2) : 0
    units |= a | b | c
    hash = Math.imul(hash ^ a ^ (b << 8) ^ (c << 16), multiplier)
  }
  return units > 0x7f ? murmur2(Buffer.from(text, 'utf8')) : finish(hash)
}

function mixWord(hash: number, word: number): number {
  const k = Math.imul(word, multiplier)
  return Math.imul(hash, multiplier) ^ Math.imul(k ^ (k >>> 24), multiplier)
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 13), multiplier)
  return mixed ^ (mixed >>> 15)
}

/**
 * Records in a row that go to one partition: enough to fill a batch well, few enough to spread a
 * small input.
 */
const turnRecordsDefault = 64

/**
 * Spreads records without key, a run of them at a time, over all partitions in turn (Kafka, too,
 * stays on a partition for a batch). Deterministic: a run repeated from the start gives the same
 * partitions.
 */
export class KeylessPartitioner {
  readonly #turnRecords: number
  #count = 0

  /** @param turnRecords how many records in a row go to one partition */
  constructor(turnRecords = turnRecordsDefault) {
    assert(turnRecords >= 1, () => `turnRecords must be at least 1, not ${turnRecords}`)
    this.#turnRecords = turnRecords
  }

  /** The partition of the next record without key. */
  next(partitions: number): number {
    const turn = Math.floor(this.#count / this.#turnRecords)
    this.#count += 1
    return turn % partitions
  }
}
