/**
 * Random use of the fetch loops on brokers in memory, by seed: transactions, leaders that move,
 * brokers that go and come, lost answers and sessions; readers of all speeds that seek and close.
 */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { seededRandom } from '../../../core/random.ts'
import type { Random } from '../../../core/random.ts'
import type { Fetcher } from '../contracts.ts'
import type { FetchInput } from './fetch-input.ts'
import type { KafkaFetchSet } from './fetch-set.ts'
import { createFetcher } from './fetcher.ts'
import { ModelCluster } from './model-cluster.ts'
import { emptied } from '../model/model-partition.ts'

const inputBytesMin = 64 << 10
const valueBytesMax = 30_000
const batchRecordsMax = 5
const batchBytesMax = valueBytesMax * batchRecordsMax + 1_000

interface Written {
  readonly offset: number
  readonly value: string
  /** null: not in a transaction. */
  readonly producerId: number | null
  state: 'open' | 'committed' | 'aborted'
}

class Reading {
  readonly set: KafkaFetchSet
  readonly partitions: readonly number[]
  readonly positions: number[]
  readonly speed: number
  readonly #bytesMax: number
  isClosed = false
  recordCount = 0

  constructor(fetcher: Fetcher, random: Random, partitionCount: number, ends: readonly number[]) {
    const all = Array.from({ length: partitionCount }, (_, i) => i)
    const some = all.filter(() => random.int(3) > 0)
    this.partitions = some.length === 0 ? [random.int(partitionCount)] : some
    this.positions = this.partitions.map((p) => random.int((ends[p] ?? 0) + 1))
    this.speed = [1, 3, 20][random.int(3)] ?? 1
    this.#bytesMax = [1, 200_000, 1_000_000][random.int(3)] ?? 1
    const inputs = this.partitions.map((partition, i) => ({
      topic: 't',
      partition,
      offset: this.positions[i] ?? 0,
    }))
    const options = { bytesMax: this.#bytesMax, outOfRange: 'stop' } as const
    this.set = fetcher.open(inputs, options) as KafkaFetchSet
  }

  /** Takes some batches of one input, each of which must be what was committed. */
  take(i: number, batches: number, written: readonly (readonly Written[])[]): void {
    const partition = this.partitions[i] ?? 0
    for (let n = 0; n < batches; n++) {
      const batch = this.set.poll(i)
      if (batch === null) return
      const from = this.positions[i] ?? 0
      const to = batch.nextOffset
      assert.ok(to > from, `${partition}: from ${from} to ${to}`)
      const wanted = (written[partition] ?? []).filter(
        ({ offset, state }) => offset >= from && offset < to && state !== 'aborted',
      )
      const seen: string[] = []
      for (let r = batch.first; r < batch.count; r++) {
        seen.push(`${batch.offset(r)}:${batch.value(r)?.toString() ?? ''}`)
      }
      assert.ok(
        wanted.every(({ state }) => state === 'committed'),
        'an open one was given',
      )
      assert.deepEqual(
        seen,
        wanted.map(({ offset, value }) => `${offset}:${value}`),
      )
      this.positions[i] = to
      this.recordCount += seen.length
    }
  }

  checkMemory(): void {
    const share = this.#bytesMax / this.partitions.length
    const most = Math.max(inputBytesMin, share) + batchBytesMax
    for (const { bytes } of this.set.inputs as readonly FetchInput[]) {
      assert.ok(bytes <= most, `${bytes} bytes, at most ${most}`)
    }
  }
}

class World {
  readonly cluster = new ModelCluster()
  readonly random: Random
  readonly fetcher: Fetcher
  readonly brokerCount: number
  readonly partitionCount: number
  readonly written: Written[][] = []
  readings: Reading[] = []
  recordCount = 0
  lossCount = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
    this.brokerCount = 1 + this.random.int(3)
    this.partitionCount = 1 + this.random.int(6)
    this.cluster.addTopic('t', this.partitionCount, (p) => 1 + (p % this.brokerCount))
    for (let i = 0; i < this.partitionCount; i++) this.written.push([])
    this.fetcher = createFetcher(this.cluster)
    this.cluster.losesAnswer = () => this.#loses()
  }

  #loses(): boolean {
    if (this.isHealed || this.random.int(8) > 0) return false
    this.lossCount += 1
    return true
  }

  isHealed = false

  write(): void {
    const { random } = this
    const p = random.int(this.partitionCount)
    const partition = this.cluster.at('t', p)
    if (random.int(10) === 0) {
      const offsets = 1 + random.int(4)
      return partition.add(emptied(offsets), offsets)
    }
    const producerId = random.int(3) === 0 ? null : 1 + random.int(3)
    const values = Array.from({ length: 1 + random.int(batchRecordsMax) }, (_, i) => {
      const bytes = random.int(20) === 0 ? valueBytesMax : random.int(500)
      return `${p}.${partition.end + i} ${'x'.repeat(bytes)}`.slice(0, valueBytesMax)
    })
    for (const [i, value] of values.entries()) {
      const state = producerId === null ? 'committed' : 'open'
      this.written[p]?.push({ offset: partition.end + i, value, producerId, state })
    }
    partition.write(values, { producerId })
  }

  finish(p: number, producerId: number, outcome: 'commit' | 'abort'): void {
    this.cluster.at('t', p).finish(producerId, outcome)
    for (const one of this.written[p] ?? []) {
      if (one.producerId !== producerId || one.state !== 'open') continue
      one.state = outcome === 'commit' ? 'committed' : 'aborted'
    }
  }

  /** Something that happens to brokers. */
  disturb(): void {
    const { random, cluster } = this
    const node = 1 + random.int(this.brokerCount)
    switch (random.int(4)) {
      case 0:
        if (cluster.down.size === 0) cluster.kill(node)
        break
      case 1:
        cluster.down.clear()
        break
      case 2:
        cluster.forgetSessions()
        break
      default: {
        const partition = cluster.at('t', random.int(this.partitionCount))
        partition.leader = node
        partition.epoch += 1
      }
    }
  }

  act(): void {
    const { random } = this
    for (let i = random.int(4); i > 0; i--) this.write()
    if (random.int(2) === 0) {
      const outcome = random.int(3) === 0 ? 'abort' : 'commit'
      this.finish(random.int(this.partitionCount), 1 + random.int(3), outcome)
    }
    if (random.int(15) === 0) this.disturb()
    this.cluster.changed()
    if (this.readings.length < 4 && random.int(10) === 0) this.open()
    for (const reading of this.readings) this.read(reading)
    this.readings = this.readings.filter(({ isClosed }) => !isClosed)
  }

  open(): void {
    const ends = this.written.map((_, p) => this.cluster.at('t', p).stableEnd)
    this.readings.push(new Reading(this.fetcher, this.random, this.partitionCount, ends))
  }

  read(reading: Reading): void {
    const { random } = this
    reading.checkMemory()
    const i = random.int(reading.partitions.length)
    if (random.int(reading.speed) === 0) reading.take(i, 1 + random.int(5), this.written)
    if (random.int(150) === 0) {
      const end = this.cluster.at('t', reading.partitions[i] ?? 0).stableEnd
      reading.positions[i] = random.int(end + 1)
      reading.set.seek(i, reading.positions[i] ?? 0)
    }
    if (random.int(200) === 0) {
      reading.isClosed = true
      this.recordCount += reading.recordCount
      void reading.set.close()
    }
  }

  /** Everything is decided and works: all is read to the end. */
  async heal(): Promise<void> {
    this.isHealed = true
    this.cluster.down.clear()
    for (let p = 0; p < this.partitionCount; p++) {
      for (const producer of this.cluster.at('t', p).openProducers)
        this.finish(p, producer, 'commit')
    }
    this.cluster.changed()
    this.open()
    for (let ms = 0; ms < 4_000; ms += 5) {
      for (const reading of this.readings) {
        for (const i of reading.partitions.keys()) reading.take(i, 100, this.written)
      }
      await this.cluster.run(5)
    }
    for (const { partitions, positions, set } of this.readings) {
      const ends = partitions.map((p) => this.cluster.at('t', p).end)
      assert.deepEqual(positions, ends)
      assert.deepEqual(
        partitions.map((_, i) => set.endOffset(i)),
        ends,
      )
      assert.ok(partitions.every((_, i) => !set.behind(i)))
    }
    for (const { recordCount } of this.readings) this.recordCount += recordCount
  }

  /** Nobody asks more than it takes to hear of news. */
  async idle(): Promise<void> {
    const { length } = this.cluster.sent
    await this.cluster.run(5_000)
    const count = this.cluster.sent.length - length
    assert.ok(count <= 11 * this.brokerCount, `${count} requests in 5 s`)
    await this.fetcher.close()
    const { length: atEnd } = this.cluster.sent
    await this.cluster.run(1_000)
    assert.equal(this.cluster.sent.length, atEnd, 'after the end')
  }
}

test.each(Array.from({ length: 20 }, (_, seed) => seed))(
  'all that was committed, once and in order, within bounds: seed %i',
  async (seed) => {
    const world = new World(seed)
    world.open()
    for (let i = 0; i < 400; i++) {
      world.act()
      await world.cluster.run(1 + world.random.int(8))
    }
    await world.heal()
    await world.idle()
    assert.ok(world.recordCount > 100, `${world.recordCount} records`)
    assert.ok(world.lossCount > 0)
    const { sent } = world.cluster
    assert.ok(sent.some(({ lane }) => lane === 1))
    assert.ok(sent.some(({ sessionEpoch }) => sessionEpoch > 1))
  },
)
