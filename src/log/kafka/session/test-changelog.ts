/** A changelog's partition in memory, as far as `Changelog` asks for it, for unit tests. */
import { VirtualClock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import { BatchBuilder, RecordBatch } from '../../batch.ts'
import type { Appended, ChangelogWrite, TopicPartition } from '../../log.ts'
import type { CommittedPlace } from '../admin/committed-offsets.ts'
import type { KafkaAdmin } from '../admin/admin.ts'
import type { FetchSet, Fetcher } from '../contracts.ts'
import type { Cluster, TopicMeta } from '../wire/cluster.ts'
import { Changelog } from './changelog.ts'
import type { LocalCopy } from './local-copy.ts'
import { RestoreGate } from './restore-gate.ts'

interface Stored {
  readonly offset: number
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export const place: TopicPartition = { topic: 'p-main-changelog', partition: 0 }

export class TestPartition {
  readonly #random: Random
  #records: Stored[] = []
  start = 0
  end = 0
  committed: CommittedPlace | null = null
  /** Records given to whoever reads. */
  given = 0

  constructor(random: Random) {
    this.#random = random
  }

  open(openCopy: (from: number | null) => Promise<LocalCopy>): Changelog {
    const cluster = {
      clock: new VirtualClock(),
      known: () => this.#meta(),
      topics: async () => new Map([[place.topic, this.#meta()]]),
      send: async (_to: unknown, _api: unknown, { timestamp }: { timestamp: number }) => [
        { ...place, code: 0, offset: timestamp === -2 ? this.start : this.end },
      ],
    }
    const admin = {
      ensureTopic: async () => {},
      trim: async ([to]: readonly { offset: number }[]) => {
        this.start = to?.offset ?? this.start
      },
    }
    const fetcher: Fetcher = {
      open: ([input]) => this.#follow(input?.offset ?? 0),
      close: async () => {},
    }
    return new Changelog({
      cluster: cluster as unknown as Cluster,
      admin: admin as unknown as KafkaAdmin,
      fetcher,
      place,
      partitions: 1,
      pipeline: 'p',
      task: 'main/0',
      from: this.committed,
      openCopy,
      gate: new RestoreGate(1),
    })
  }

  /** One transaction, as a session does it. */
  async write(changelog: Changelog, write: ChangelogWrite, end: 'commit' | 'abort'): Promise<void> {
    await changelog.ensure()
    const appended: Appended[] = []
    for (const { bytes } of changelog.appendsOf(write)) {
      const batch = new RecordBatch(place.topic, 0, this.end, bytes, this.end, { nextOffset: null })
      appended.push({ ...place, baseOffset: this.end, recordCount: batch.count })
      for (let i = 0; i < batch.count; i++, this.end++) {
        const [key, value] = [batch.key(i), batch.value(i)]
        if (end === 'abort' || key === null || value === null) continue
        this.#records.push({ offset: this.end, key: Buffer.from(key), value: Buffer.from(value) })
      }
    }
    this.end++ // the marker
    if (end === 'abort') return
    const [place0] = changelog.offsetsOf(write, appended)
    this.committed = place0 ?? this.committed
    changelog.committed(write, appended)
  }

  /** The log has lost all from an offset on, as after an unclean election of a leader. */
  cut(offset: number): void {
    this.#records = this.#records.filter((one) => one.offset < offset)
    this.end = offset
  }

  #meta(): TopicMeta {
    const partition = { partition: 0, leader: 1, leaderEpoch: 0, replicas: [1], isr: [1] }
    return { name: place.topic, id: 't', isInternal: false, partitions: [partition] }
  }

  #follow(from: number): FetchSet {
    let position = from
    let isClosed = false
    const set = {
      poll: () => {
        if (isClosed) throw new Error('polled after close')
        if (position >= this.end) return null
        const all = this.#records.filter(({ offset }) => offset >= Math.max(position, this.start))
        // Offsets without a gap, as they lie in one batch; then whatever has no record.
        const count = all.findIndex(({ offset }, i) => offset !== (all[0]?.offset ?? 0) + i)
        const run = all.slice(0, Math.min(count < 0 ? all.length : count, this.#random.int(3)))
        const base = run[0]?.offset ?? position
        if (run.length === 0 && all.length > 0) return null
        position = run.length === 0 ? this.end : (run.at(-1)?.offset ?? 0) + 1
        const builder = new BatchBuilder()
        for (const { key, value } of run) builder.add(key, value, 0)
        this.given += run.length
        const bytes = builder.finish()
        return new RecordBatch(place.topic, 0, base, bytes, base, { nextOffset: position })
      },
      wait: async () => 'ready' as const,
      behind: () => false,
      endOffset: () => this.end,
      wake: () => {},
      release: () => {},
      seek: () => {},
      close: async () => {
        isClosed = true
      },
    }
    return set
  }
}
