import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { FetchSet } from '../contracts.ts'
import type { KafkaFetchSet } from './fetch-set.ts'
import { createFetcher } from './fetcher.ts'
import type { ModelCluster, SentFetch } from './model-cluster.ts'
import { modelCluster, takeAll } from './test-follower.ts'

/** One set for each partition, as the tasks of a process have them. */
function openAll(cluster: ModelCluster, partitions: number, bytesMax = 1 << 20): FetchSet[] {
  const fetcher = createFetcher(cluster)
  return Array.from({ length: partitions }, (_, partition) =>
    fetcher.open([{ topic: 't', partition, offset: 0 }], { bytesMax, outOfRange: 'stop' }),
  )
}

function since(cluster: ModelCluster, atMs: number): SentFetch[] {
  return cluster.sent.filter((sent) => sent.atMs >= atMs)
}

test('an idle broker gets two requests a second, which name nothing', async () => {
  const cluster = modelCluster({ partitions: 50, brokers: 2 })
  openAll(cluster, 50)
  await cluster.run(1_000)
  const startMs = cluster.clock.monotonic()
  await cluster.run(10_000)
  const sent = since(cluster, startMs)
  assert.ok(sent.length <= 42, `${sent.length} requests`)
  assert.deepEqual(
    sent.filter(
      ({ lane, partitions, forgotten }) => lane + partitions.length + forgotten.length > 0,
    ),
    [],
  )
})

test('news of one partition come at once; only that one is named next', async () => {
  const cluster = modelCluster({ partitions: 20 })
  const sets = openAll(cluster, 20)
  await cluster.run(700)
  cluster.at('t', 7).write(['a'])
  const startMs = cluster.clock.monotonic()
  cluster.changed()
  await cluster.run(3)
  assert.deepEqual(takeAll(sets[7] as FetchSet), ['0:a'])
  const [next] = since(cluster, startMs)
  assert.deepEqual(
    next?.partitions.map(({ partition }) => partition),
    [7],
  )
})

test('a partition that is opened or moved does not wait behind a long poll', async () => {
  const cluster = modelCluster({ partitions: 4 })
  const fetcher = createFetcher(cluster)
  const open = (partition: number): FetchSet =>
    fetcher.open([{ topic: 't', partition, offset: 0 }], { bytesMax: 1 << 20, outOfRange: 'stop' })
  for (let i = 0; i < 4; i++) cluster.at('t', i).write(['a', 'b'])
  open(0)
  await cluster.run(50)
  const [one, two, three] = [open(1), open(2), open(3)]
  await cluster.run(3)
  assert.equal(takeAll(one).length, 2)
  await cluster.run(30)
  assert.deepEqual([takeAll(two).length, takeAll(three).length], [2, 2])
  one.seek(0, 1)
  assert.equal(one.behind(0), true)
  await cluster.run(30)
  assert.deepEqual(takeAll(one), ['1:b'])
  assert.equal(one.behind(0), false)
  // All of them are in the one long poll again.
  await cluster.run(1_000)
  const startMs = cluster.clock.monotonic()
  await cluster.run(5_000)
  assert.ok(since(cluster, startMs).length <= 11, `${since(cluster, startMs).length} requests`)
})

test('one that was opened at the end is told so at once', async () => {
  const cluster = modelCluster({ partitions: 2 })
  const fetcher = createFetcher(cluster)
  const places = [{ topic: 't', partition: 1, offset: 0 }]
  const first = fetcher.open(places, { bytesMax: 1, outOfRange: 'stop' })
  await cluster.run(50)
  assert.equal(first.behind(0), false)
  const second = fetcher.open(places, { bytesMax: 1, outOfRange: 'stop' })
  assert.equal(second.behind(0), true)
  const waiting = second.wait(Infinity)
  await cluster.run(5)
  assert.equal(second.behind(0), false)
  assert.equal(await waiting, 'ready', 'whoever was told that it is behind is told the end of it')
})

test('a partition that has enough holds nobody up, and goes on when it has room', async () => {
  const cluster = modelCluster({ partitions: 2 })
  for (let i = 0; i < 200; i++) cluster.at('t', 0).write(['x'.repeat(1_000)])
  const [full, idle] = openAll(cluster, 2, 1) as [FetchSet, FetchSet]
  await cluster.run(1_000)
  const startMs = cluster.clock.monotonic()
  await cluster.run(5_000)
  assert.ok(since(cluster, startMs).length <= 11, `${since(cluster, startMs).length} requests`)
  cluster.at('t', 1).write(['a'])
  cluster.changed()
  await cluster.run(3)
  assert.deepEqual(takeAll(idle), ['0:a'])
  await cluster.run(100) // the long poll begins
  let count = 0
  for (let ms = 0; ms < 60; ms++) {
    count += takeAll(full).length
    await cluster.run(1)
  }
  assert.equal(count, 200)
})

test.each([
  ['', true],
  [', without sessions', false],
])('a large batch is not starved by a partition that always has records%s', async (_, keeps) => {
  const cluster = modelCluster({ partitions: 2 })
  cluster.keepsSessions = keeps
  cluster.at('t', 1).write(['x'.repeat(200_000)])
  const [busy, large] = openAll(cluster, 2, 1) as [FetchSet, FetchSet]
  for (let ms = 0; ms < 100; ms++) {
    cluster.at('t', 0).write(['y'])
    cluster.changed()
    takeAll(busy)
    await cluster.run(1)
  }
  assert.equal(takeAll(large).length, 1)
})

test('partitions read from several offsets take turns, and then share a request', async () => {
  const cluster = modelCluster()
  for (let i = 0; i < 100; i++) cluster.at('t', 0).write([`${i} ${'x'.repeat(1_000)}`])
  const fetcher = createFetcher(cluster)
  const sets = [0, 0, 50, 99, 100].map((offset) =>
    fetcher.open([{ topic: 't', partition: 0, offset }], { bytesMax: 1, outOfRange: 'stop' }),
  )
  const counts = sets.map(() => 0)
  for (let ms = 0; ms < 300; ms++) {
    for (const [i, set] of sets.entries()) counts[i] = (counts[i] ?? 0) + takeAll(set).length
    await cluster.run(1)
  }
  assert.deepEqual(counts, [100, 100, 50, 1, 0])
  await cluster.run(1_000)
  const startMs = cluster.clock.monotonic()
  await cluster.run(5_000)
  assert.ok(since(cluster, startMs).length <= 11, `${since(cluster, startMs).length} requests`)
  cluster.at('t', 0).write(['news'])
  cluster.changed()
  await cluster.run(3)
  assert.deepEqual(
    sets.map((set) => takeAll(set)),
    sets.map(() => ['100:news']),
  )
})

test('a broker that forgets its sessions is asked for everything once', async () => {
  const cluster = modelCluster({ partitions: 3 })
  const sets = openAll(cluster, 3)
  await cluster.run(1_000)
  cluster.forgetSessions()
  const startMs = cluster.clock.monotonic()
  for (let i = 0; i < 3; i++) cluster.at('t', i).write(['a'])
  cluster.changed()
  await cluster.run(600)
  assert.deepEqual(
    sets.map((set) => takeAll(set)),
    [['0:a'], ['0:a'], ['0:a']],
  )
  const full = since(cluster, startMs).filter(({ sessionEpoch }) => sessionEpoch === 0)
  assert.equal(full.length, 1)
})

test.each([70, 71])(
  'a broker that refuses each session (%i) is asked with pauses',
  async (code) => {
    const cluster = modelCluster()
    cluster.at('t', 0).write(['a'])
    const [set] = openAll(cluster, 1) as [FetchSet]
    cluster.meet = () => ({ code, sessionId: 0, partitions: [] })
    await cluster.run(5_000)
    assert.ok(cluster.sent.length <= 15, `${cluster.sent.length} requests`)
    cluster.meet = null
    await cluster.run(1_100)
    assert.deepEqual(takeAll(set), ['0:a'])
  },
)

test('what a process holds is bounded, however many partitions it follows', async () => {
  const cluster = modelCluster({ partitions: 40 })
  for (let i = 0; i < 40; i++) {
    for (let n = 0; n < 30; n++) cluster.at('t', i).write(['x'.repeat(100_000)])
  }
  const sets = openAll(cluster, 40, 8 << 20)
  await cluster.run(500)
  let bytes = 0
  for (const set of sets) {
    for (let batch = set.poll(0); batch !== null; batch = set.poll(0)) bytes += batch.bytes.length
  }
  assert.ok(bytes > 30 << 20 && bytes < 68 << 20, `${bytes} bytes`)
  for (const { bytesMax } of cluster.sent) assert.ok(bytesMax <= 8 << 20)
})

test('a shared answer keeps to the smallest budget', async () => {
  const cluster = modelCluster()
  for (let i = 0; i < 30; i++) cluster.at('t', 0).write(['x'.repeat(20_000)])
  const fetcher = createFetcher(cluster)
  const [, small] = [8 << 20, 1].map((bytesMax) =>
    fetcher.open([{ topic: 't', partition: 0, offset: 0 }], { bytesMax, outOfRange: 'stop' }),
  ) as [FetchSet, KafkaFetchSet]
  await cluster.run(100)
  const bytes = small.inputs[0]?.bytes ?? 0
  assert.ok(bytes > 0 && bytes <= 64 << 10, `${bytes} bytes`)
})
