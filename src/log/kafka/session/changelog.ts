/**
 * A task's changelog on Kafka: one partition, whose records are the blobs of its commits, in
 * transactions with them.
 *
 * Its topic is not compacted. A blob holds many keys, and each commit also writes the next slice of
 * a rolling snapshot: what lies before the last complete round is not needed any more and deleted
 * at once. So a restore reads a small multiple of the live state; of a compacted topic it would
 * read whatever the cleaner, which leaves the newest segment alone, has not come to yet. Where a
 * restore begins is the group's offset of the changelog's partition, committed with the round's
 * end.
 */
import { ensureChangelogTopic } from './changelog-topic.ts'
import { MillraceError } from '../../../core/error.ts'
import { BatchBuilder } from '../../batch.ts'
import type { AppendBatch, Appended, ChangelogWrite, TopicPartition } from '../../log.ts'
import type { CommittedPlace } from '../admin/committed-offsets.ts'
import type { KafkaAdmin } from '../admin/admin.ts'
import type { Fetcher, OffsetToCommit } from '../contracts.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { Cluster } from '../wire/cluster.ts'
import { BlobReader, blobBytesMax, ends, goesOn } from './blob-reader.ts'
import type { CopyEntry } from './copy-entry.ts'
import type { LocalCopy } from './local-copy.ts'
import type { RestoreGate } from './restore-gate.ts'

/** A blob is cut into records of at most this. */
const pieceBytesMax = 900_000

export interface ChangelogOptions {
  readonly cluster: Cluster
  readonly admin: KafkaAdmin
  readonly fetcher: Fetcher
  readonly place: TopicPartition
  /** The topic gets at least so many: one for each task that keeps its changelog there. */
  readonly partitions: number
  /** For errors. */
  readonly pipeline: string
  readonly task: string
  /**
   * What is committed for it: where a restore begins and, as metadata, where the round in hand has
   * begun; null: there is no state yet.
   */
  readonly from: CommittedPlace | null
  /** Opens the local copy, for a restore that begins there; null: none is kept. */
  readonly openCopy: ((from: number | null) => Promise<LocalCopy | null>) | null
  readonly gate: RestoreGate
}

export class Changelog {
  readonly #options: ChangelogOptions
  readonly #builder = new BatchBuilder()
  #isThere = false
  /** Where a restore begins; null: there is no state yet. */
  #from: number | null
  /** Offset of the blob that began the round in hand; null: none is in hand. */
  #roundStart: number | null
  /** Holds all that is committed, up to the last commit; null: there is none, or not yet. */
  #copy: LocalCopy | null = null
  #restoredShare = 0

  constructor(options: ChangelogOptions) {
    this.#options = options
    this.#from = options.from?.offset ?? null
    const round = options.from?.metadata ?? ''
    this.#roundStart = round === '' ? null : Number(round)
  }

  get hasState(): boolean {
    return this.#from !== null
  }

  /** How far the restore has come: 0 to 1. */
  get restoredShare(): number {
    return this.#restoredShare
  }

  /** Makes the topic where it is not there yet: with the first state that is to be kept. */
  async ensure(): Promise<void> {
    if (this.#isThere) return
    const { admin, place, cluster } = this.#options
    const partitions = Math.max(this.#options.partitions, place.partition + 1)
    await ensureChangelogTopic({ cluster, admin, topic: place.topic, partitions })
    this.#isThere = true
    if (this.#from === null) this.#copy = (await this.#options.openCopy?.(null)) ?? null
  }

  /** A local copy that does not keep up with the commits is given up: they do not wait for it. */
  shedCopy(): void {
    this.#copy?.shed()
  }

  async close(): Promise<void> {
    await this.#copy?.close()
  }

  /** The blob as records. @throws `record-too-large` */
  appendsOf({ bytes }: ChangelogWrite): AppendBatch[] {
    const { place } = this.#options
    if (bytes.length > blobBytesMax) {
      throw new MillraceError(
        'record-too-large',
        `the state of one commit takes ${bytes.length} bytes, ${blobBytesMax} are the limit`,
        { hint: 'commit more often: a smaller commitEveryMs', at: place },
      )
    }
    const appends: AppendBatch[] = []
    let at = 0
    do {
      const end = Math.min(at + pieceBytesMax, bytes.length)
      this.#builder.add(end < bytes.length ? goesOn : ends, bytes.subarray(at, end), 0)
      appends.push({ ...place, bytes: this.#builder.finish({ checksum: false }) })
      at = end
    } while (at < bytes.length)
    return appends
  }

  /** What is to be committed with the blob: where a restore begins, and the round, if they move. */
  offsetsOf(write: ChangelogWrite, appended: readonly Appended[]): OffsetToCommit[] {
    if (this.#from !== null && !write.startsRound && !write.endsRound) return []
    const { from, roundStart } = this.#after(write, appended)
    const metadata = roundStart === null ? '' : String(roundStart)
    return [{ ...this.#options.place, offset: from, metadata }]
  }

  #after(
    write: ChangelogWrite,
    [first]: readonly Appended[],
  ): { from: number; roundStart: number | null } {
    const base = first?.baseOffset ?? 0
    const roundStart = write.startsRound ? base : this.#roundStart
    if (!write.endsRound) return { from: this.#from ?? base, roundStart }
    return { from: roundStart ?? this.#from ?? base, roundStart: null }
  }

  /** The commit has succeeded. What is not needed any more is deleted, soon. */
  committed(write: ChangelogWrite, appended: readonly Appended[]): void {
    const { from, roundStart } = this.#after(write, appended)
    const hasMoved = this.#from !== null && from > this.#from
    this.#from = from
    this.#roundStart = roundStart
    this.#keep(write, appended)
    if (!hasMoved) return
    this.#copy?.keepFrom(from)
    const { admin, place } = this.#options
    // What fails is made up for by the next round's end.
    void admin.trim([{ ...place, offset: from }]).catch(() => {})
  }

  /** The blobs from the start of the last complete round on. @throws `state-lost` */
  async *restore(bytesMax: number): AsyncGenerator<Uint8Array> {
    const { cluster, place } = this.#options
    const from = this.#from
    if (from === null) return
    const topics = await cluster.topics([place.topic], { fresh: true })
    if (topics.get(place.topic)?.partitions[place.partition] === undefined) {
      throw this.#lost('the topic is not there')
    }
    const [start = 0] = await listOffsets(cluster, [place], 'earliest')
    const [end = 0] = await listOffsets(cluster, [place], 'latest')
    if (start > from) throw this.#lost(`it begins at ${start}, after ${from}`)
    if (end < from) throw this.#lost(`it ends at ${end}, before ${from}`)
    const copy = (await this.#options.openCopy?.(from)) ?? null
    const leave = await this.#options.gate.enter(bytesMax)
    let isDone = false
    try {
      yield* this.#blobs(copy, { from, end, bytesMax })
      isDone = true
    } finally {
      leave()
      if (isDone) this.#copy = copy
      else await copy?.close()
    }
  }

  /** Those of the local copy, as far as it goes, then the rest from Kafka. */
  async *#blobs(
    copy: LocalCopy | null,
    range: { readonly from: number; readonly end: number; readonly bytesMax: number },
  ): AsyncGenerator<Uint8Array> {
    const { from, end, bytesMax } = range
    const { fetcher, place } = this.#options
    if (copy?.end !== null && (copy?.end ?? 0) > end) await copy?.drop()
    // The last blob of the copy is read from both: the changelog may have become another one.
    const begin = copy?.last?.base ?? from
    const set = fetcher.open([{ ...place, offset: begin }], { bytesMax, outOfRange: 'stop' })
    try {
      const reader = new BlobReader(set, begin)
      const last = copy?.last ?? null
      if (copy !== null && last !== null) {
        if (!isSame(await reader.next(end), last)) {
          await copy.drop()
          await set.close()
          yield* this.#blobs(copy, range)
          return
        }
        for await (const blob of copy.read(from)) {
          yield blob.bytes
          this.#restoredShare = share(from, blob.to, end)
        }
      }
      for (let blob = await reader.next(end); blob !== null; blob = await reader.next(end)) {
        yield blob.bytes
        this.#restoredShare = share(from, blob.to, end)
        copy?.append(blob)
        await copy?.room()
      }
      this.#restoredShare = 1
    } finally {
      await set.close()
    }
  }

  #keep({ bytes }: ChangelogWrite, appended: readonly Appended[]): void {
    const [first] = appended
    const last = appended.at(-1)
    if (first === undefined || last === undefined) return
    this.#copy?.append({ base: first.baseOffset, to: last.baseOffset + last.recordCount, bytes })
  }

  #lost(why: string): MillraceError {
    return stateLost(this.#options, this.#options.place, why)
  }
}

export function isSame(one: CopyEntry | null, other: CopyEntry): boolean {
  if (one === null || one.base !== other.base || one.to !== other.to) return false
  return Buffer.compare(one.bytes, other.bytes) === 0
}

function share(from: number, to: number, end: number): number {
  return end <= from ? 1 : Math.min(1, (to - from) / (end - from))
}

export function stateLost(
  { pipeline, task }: { readonly pipeline: string; readonly task: string },
  place: TopicPartition,
  why: string,
): MillraceError {
  return new MillraceError(
    'state-lost',
    `the changelog of task ${task} is not what its offsets belong to: ${why}`,
    {
      at: { pipeline, task, topic: place.topic, partition: place.partition },
      hint: `begin anew, with offsets and state forgotten: millrace groups delete ${pipeline}`,
    },
  )
}
