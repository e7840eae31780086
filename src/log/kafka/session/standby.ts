/**
 * A standby copy of a task's state: follows the changelog into the local copy, so that the task can
 * go on here after reading the last bit. Owns nothing; sees only what is committed.
 */
import { isCode } from '../../../core/error.ts'
import { committedOffsets } from '../admin/committed-offsets.ts'
import type { FetchSet, Fetcher } from '../contracts.ts'
import { listOffsets } from '../fetch/offsets.ts'
import type { TopicPartition } from '../../log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { BlobReader } from './blob-reader.ts'
import { isSame } from './changelog.ts'
import type { LocalCopy } from './local-copy.ts'

export interface StandbyOptions {
  readonly cluster: Cluster
  readonly fetcher: Fetcher
  readonly pipeline: string
  readonly place: TopicPartition
  readonly openCopy: (from: number) => Promise<LocalCopy>
  /** It does not come on for now. */
  readonly onTrouble: (error: unknown) => void
}

const bytesMax = 1 << 20
/** Between two looks where a restore begins. */
const lookEveryMs = 3_000
const pauseMs = 500

export class Standby {
  readonly #options: StandbyOptions
  readonly #done: Promise<void>
  #set: FetchSet | null = null
  #isStopped = false
  #isCaughtUp = false
  #wake = Promise.withResolvers<void>()

  constructor(options: StandbyOptions) {
    this.#options = options
    this.#done = this.#run()
  }

  /** Whether it has had all that there was to read at some moment since it began. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp
  }

  /** What it has is written, and the copy is free. Idempotent. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#wake.resolve()
    await this.#set?.close() // who waits for it goes on, and asks it in vain
    await this.#done
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#follow()
      } catch (thrown) {
        // A round has ended, and what lies before it is deleted: it begins again where that begins.
        const isExpected = this.#isStopped || isCode(thrown, 'offset-out-of-range')
        if (!isExpected) this.#options.onTrouble(thrown)
      }
      await this.#pause()
    }
  }

  async #follow(): Promise<void> {
    const { cluster, fetcher, place, openCopy } = this.#options
    const from = await this.#from()
    if (from === null || this.#isStopped) return // no state yet
    const copy = await openCopy(from)
    try {
      const [end = 0] = await listOffsets(cluster, [place], 'latest')
      if (copy.end !== null && copy.end > end) await copy.drop()
      const begin = copy.last?.base ?? from
      this.#set = fetcher.open([{ ...place, offset: begin }], { bytesMax, outOfRange: 'stop' })
      const reader = new BlobReader(this.#set, begin)
      if (copy.last !== null) {
        // It may have become another changelog: then it is read from its beginning.
        if (!isSame(await reader.next(end), copy.last)) return await copy.drop()
      }
      await this.#tail(copy, reader, { set: this.#set, from })
    } finally {
      await this.#set?.close()
      this.#set = null
      await copy.close()
    }
  }

  async #tail(
    copy: LocalCopy,
    reader: BlobReader,
    { set, from }: { set: FetchSet; from: number },
  ): Promise<void> {
    const { clock } = this.#options.cluster
    let keptFrom = from
    let lookedMs = clock.monotonic()
    while (!this.#isStopped) {
      const blob = reader.poll()
      if (blob === null) {
        if (!set.behind(0)) this.#isCaughtUp = true
        await set.wait(lookEveryMs)
      } else {
        copy.append(blob)
        await copy.room()
      }
      if (clock.monotonic() - lookedMs < lookEveryMs) continue
      lookedMs = clock.monotonic()
      const now = await this.#from()
      // Begun anew, by whoever deleted the group.
      if (now === null || now < keptFrom) return await copy.drop()
      keptFrom = now
      copy.keepFrom(now)
    }
  }

  async #from(): Promise<number | null> {
    const { cluster, pipeline, place } = this.#options
    // An open transaction may move it on: what is committed holds all the same.
    const options = { requireStable: false }
    const [known = null] = await committedOffsets(cluster, pipeline, [place], options)
    return known?.offset ?? null
  }

  async #pause(): Promise<void> {
    if (this.#isStopped) return
    const cancel = this.#options.cluster.clock.after(pauseMs, () => this.#wake.resolve())
    await this.#wake.promise
    cancel()
    this.#wake = Promise.withResolvers()
  }
}
