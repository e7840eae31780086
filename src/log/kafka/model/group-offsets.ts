/**
 * The offsets of one group as its coordinator keeps them: committed ones, and those of transactions
 * that are not ended, which nobody is shown.
 */
import type { TopicPartition } from '../../log.ts'
import type { OffsetToCommit } from '../contracts.ts'
import { errorCode } from '../wire/error-codes.ts'
import type { FetchedOffset } from '../wire/requests/offset-fetch.ts'

const metadataBytesMax = 4096

interface Producer {
  readonly producerId: number
  readonly epoch: number
}

export class GroupOffsets {
  readonly #committed = new Map<string, OffsetToCommit>()
  /** By producer id. */
  readonly #pending = new Map<number, Map<string, OffsetToCommit>>()
  /** The newest of each producer: older ones are refused. */
  readonly #epochs = new Map<number, number>()

  get isEmpty(): boolean {
    return this.#committed.size === 0 && this.#pending.size === 0
  }

  get committed(): readonly OffsetToCommit[] {
    return [...this.#committed.values()]
  }

  commit(offset: OffsetToCommit): number {
    if (Buffer.byteLength(offset.metadata) > metadataBytesMax) {
      return errorCode.offsetMetadataTooLarge
    }
    this.#committed.set(keyOf(offset), offset)
    return errorCode.none
  }

  /** Of a transaction. */
  pend({ producerId, epoch }: Producer, offset: OffsetToCommit): number {
    if (epoch < (this.#epochs.get(producerId) ?? 0)) return errorCode.invalidProducerEpoch
    if (Buffer.byteLength(offset.metadata) > metadataBytesMax) {
      return errorCode.offsetMetadataTooLarge
    }
    this.#epochs.set(producerId, epoch)
    const pending = this.#pending.get(producerId) ?? new Map<string, OffsetToCommit>()
    this.#pending.set(producerId, pending)
    pending.set(keyOf(offset), offset)
    return errorCode.none
  }

  /** The marker of a transaction. */
  mark({ producerId, epoch }: Producer, outcome: 'commit' | 'abort'): void {
    const pending = this.#pending.get(producerId)
    this.#pending.delete(producerId)
    this.#epochs.set(producerId, Math.max(epoch, this.#epochs.get(producerId) ?? 0))
    if (outcome === 'abort' || pending === undefined) return
    for (const [key, offset] of pending) this.#committed.set(key, offset)
  }

  hasPending(producerId: number): boolean {
    return this.#pending.has(producerId)
  }

  /** @param places null: all that there are */
  fetch(places: readonly TopicPartition[] | null, requireStable: boolean): FetchedOffset[] {
    return (places ?? this.committed).map(({ topic, partition }) => {
      const key = keyOf({ topic, partition })
      const isUnstable = [...this.#pending.values()].some((pending) => pending.has(key))
      if (requireStable && isUnstable) {
        return { topic, partition, ...nothing, code: errorCode.unstableOffsetCommit }
      }
      const { offset, metadata } = this.#committed.get(key) ?? nothing
      return { topic, partition, offset, metadata, code: errorCode.none }
    })
  }

  /** A topic was deleted. */
  forget(topic: string): void {
    for (const offsets of [this.#committed, ...this.#pending.values()]) {
      for (const [key, one] of offsets) if (one.topic === topic) offsets.delete(key)
    }
  }
}

const nothing = { offset: -1, metadata: '' }

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`
}
