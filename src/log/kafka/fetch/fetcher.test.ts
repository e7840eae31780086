import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../../../core/error.ts'
import { createFetcher } from './fetcher.ts'
import { lost } from './model-cluster.ts'
import { emptied } from '../model/model-partition.ts'
import { follow, modelCluster, refuses, takeAll } from './test-follower.ts'

test.each([
  ['not the leader', 6],
  ['no leader now', 5],
  ['a replica that is not available', 9],
  ['an older leader epoch', 74],
  ['a newer leader epoch', 75],
  ['a fault of its storage', 56],
  ['an offset that is not known to all yet', 78],
  ['a topic that it does not know', 3],
  ['a topic id that it does not know', 100],
  ['an error without a name', -1],
])('%s (%i) passes: the leader is looked up anew, with pauses', async (_what, code) => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  partition.write(['a', 'b'])
  partition.code = code
  const { take } = follow(cluster)
  await cluster.run(2_000)
  assert.deepEqual(take(), [])
  assert.ok(cluster.sent.length >= 5, `${cluster.sent.length} requests`)
  assert.ok(cluster.sent.length <= 12, `${cluster.sent.length} requests`)
  assert.deepEqual(new Set(cluster.forgotten), new Set(['t']))
  partition.code = 0
  await cluster.run(1_100)
  assert.deepEqual(take(), ['0:a', '1:b'])
})

test.each([
  [3, 'unknown-topic', /topic 't' does not exist/],
  [100, 'unknown-topic', /topic 't' does not exist/],
  [-1, 'log-failed', /given no records for 5000 ms: UNKNOWN_SERVER_ERROR \(-1\)/],
] as const)('%i that stays is a failure after 5 s', async (code, error, text) => {
  const cluster = modelCluster()
  cluster.at('t', 0).code = code
  const { set, take } = follow(cluster)
  const waiting = set.wait(Infinity)
  await cluster.run(4_900)
  assert.deepEqual(take(), [])
  await cluster.run(1_500)
  assert.equal(await waiting, 'ready')
  assert.match(refuses(error, take).message, text)
})

test.each([
  [29, 'not-authorised', /no right to read topic 't'/],
  [2, 'log-damaged', /cannot be read by its broker: CORRUPT_MESSAGE \(2\)/],
  [76, 'unsupported-codec', /UNSUPPORTED_COMPRESSION_TYPE \(76\)/],
  [42, 'log-failed', /gives no records: INVALID_REQUEST \(42\)/],
  [133, 'log-failed', /SHARE_SESSION_LIMIT_REACHED \(133\)/],
  [999, 'log-failed', /unknown error \(999\)/],
] as const)('%i is a failure at once, after what was there', async (code, error, text) => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  partition.write(['a'])
  const { set, take } = follow(cluster)
  await cluster.run(20)
  partition.code = code
  cluster.changed()
  await cluster.run(600)
  assert.equal(set.poll(0)?.count, 1)
  const thrown = refuses(error, () => set.poll(0))
  assert.match(thrown.message, text)
  assert.deepEqual([thrown.at.topic, thrown.at.partition], ['t', 0])
  refuses(error, take)
  const { length } = cluster.sent
  await cluster.run(3_000)
  assert.equal(cluster.sent.length, length, 'it is not asked for any more')
  partition.code = 0
  set.seek(0, 0)
  await cluster.run(20)
  assert.deepEqual(take(), ['0:a'])
})

test('a topic that may not be described fails; others of the same look do not', async () => {
  const cluster = modelCluster()
  cluster.addTopic('u', 1, () => 1)
  cluster.at('t', 0).write(['a'])
  const { topics } = cluster
  cluster.topics = async (names) => {
    if (names.includes('u')) throw new MillraceError('not-authorised', 'no right')
    return await topics.call(cluster, names)
  }
  const fetcher = createFetcher(cluster)
  const places = ['t', 'u'].map((topic) => ({ topic, partition: 0, offset: 0 }))
  const set = fetcher.open(places, { bytesMax: 1 << 20, outOfRange: 'stop' })
  await cluster.run(20)
  assert.deepEqual(takeAll(set, 0), ['0:a'])
  refuses('not-authorised', () => set.poll(1))
})

test('a leader that moves is followed', async () => {
  const cluster = modelCluster({ brokers: 2 })
  const partition = cluster.at('t', 0)
  partition.write(['a'])
  const { take } = follow(cluster)
  await cluster.run(20)
  partition.leader = 2
  partition.epoch += 1
  partition.write(['b'])
  cluster.changed()
  await cluster.run(100)
  assert.deepEqual(take(), ['0:a', '1:b'])
  assert.equal(cluster.sent.at(-1)?.node, 2)
})

test('a leader that is cut off and goes on answering is left within a minute', async () => {
  const cluster = modelCluster({ brokers: 2 })
  const old = cluster.at('t', 0)
  const { take } = follow(cluster)
  await cluster.run(20)
  old.leader = 2
  old.epoch += 1
  old.write(['a'])
  // Broker 1 does not know.
  cluster.meet = ({ node }) => (node === 1 ? { code: 0, sessionId: 0, partitions: [] } : null)
  await cluster.run(61_000)
  assert.deepEqual(take(), ['0:a'])
})

test('a broker that dies in the middle is asked with pauses until it is back', async () => {
  const cluster = modelCluster()
  const { take } = follow(cluster)
  await cluster.run(100)
  cluster.kill(1)
  const { length } = cluster.sent
  await cluster.run(10_000)
  assert.ok(cluster.asked <= 25, `${cluster.asked} questions`)
  assert.ok(cluster.sent.length - length <= 20, `${cluster.sent.length - length} requests`)
  cluster.down.delete(1)
  cluster.at('t', 0).write(['a'])
  await cluster.run(1_100)
  assert.deepEqual(take(), ['0:a'])
})

test('answers that are lost are asked for again', async () => {
  const cluster = modelCluster()
  cluster.at('t', 0).write(['a'])
  let count = 0
  cluster.meet = () => ((count += 1) <= 3 ? lost('unknown') : null)
  const { take } = follow(cluster)
  await cluster.run(500)
  assert.deepEqual(take(), ['0:a'])
})

test('a final failure of the connection stops what it was asked for', async () => {
  const cluster = modelCluster()
  cluster.meet = () => new MillraceError('not-authorised', 'the login is refused')
  const { set, take } = follow(cluster)
  const waiting = set.wait(Infinity)
  await cluster.run(10)
  assert.equal(await waiting, 'ready')
  refuses('not-authorised', take)
})

test('an answer after the end of its set is dropped; the loop serves the others', async () => {
  const cluster = modelCluster({ partitions: 2 })
  const fetcher = createFetcher(cluster)
  const open = (partition: number): ReturnType<typeof fetcher.open> =>
    fetcher.open([{ topic: 't', partition, offset: 0 }], { bytesMax: 1, outOfRange: 'stop' })
  const [one, two] = [open(0), open(1)]
  await cluster.run(50)
  const waiting = one.wait(Infinity)
  await one.close()
  await one.close()
  assert.equal(await waiting, 'closed')
  await assert.rejects(one.wait(1), { code: 'log-closed' })
  refuses('log-closed', () => one.poll(0))
  cluster.at('t', 0).write(['a'])
  cluster.at('t', 1).write(['b'])
  cluster.changed()
  await cluster.run(50)
  assert.deepEqual(takeAll(two), ['0:b'])
  await fetcher.close()
  const { length } = cluster.sent
  await cluster.run(2_000)
  assert.equal(cluster.sent.length, length)
})

test('offset out of range, where records were deleted: as the policy says', async () => {
  const run = async (outOfRange: 'earliest' | 'latest' | 'stop'): Promise<() => string[]> => {
    const cluster = modelCluster()
    const partition = cluster.at('t', 0)
    for (const value of ['a', 'b', 'c', 'd']) partition.write([value])
    partition.trim(2)
    const { take } = follow(cluster, [0], { outOfRange })
    await cluster.run(50)
    partition.write(['e'])
    cluster.changed()
    await cluster.run(50)
    return take
  }
  assert.deepEqual((await run('earliest'))(), ['2:c', '3:d', '4:e'])
  assert.deepEqual((await run('latest'))(), ['4:e'])
  const stopped = refuses('offset-out-of-range', await run('stop'))
  assert.match(stopped.message, /^2 records from offset 0 on were deleted before they were read/)
  assert.equal(stopped.at.offset, 0)
})

test('offset out of range, above the end: stops whatever the policy', async () => {
  const cluster = modelCluster()
  cluster.at('t', 0).write(['a'])
  const { take } = follow(cluster, [7], { outOfRange: 'earliest' })
  await cluster.run(50)
  assert.match(refuses('offset-out-of-range', take).message, /offset 7 is above the end 1/)
})

test('offset out of range, said by a broker that is behind: asked again with pauses', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  partition.write(['a', 'b', 'c'])
  partition.code = 1
  const { take } = follow(cluster, [1])
  await cluster.run(2_000)
  assert.ok(cluster.sent.length <= 10, `${cluster.sent.length} requests`)
  partition.code = 0
  await cluster.run(1_100)
  assert.deepEqual(take(), ['1:b', '2:c'])
})

test('offset out of range, said by one that knows no epochs: read on without', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  partition.write(['a'])
  const { take } = follow(cluster)
  await cluster.run(20)
  const place = { topicId: cluster.ids.get('t') ?? '', partition: 0, startOffset: 0, code: 1 }
  const part = { ...place, lastStableOffset: -1, aborted: [], diverging: null, records: null }
  cluster.meet = ({ partitions, sessionId }) => {
    const asksEpoch = partitions.some(({ lastEpoch }) => lastEpoch >= 0)
    return asksEpoch ? { code: 0, sessionId, partitions: [part] } : null
  }
  for (const value of ['b', 'c', 'd']) {
    partition.write([value])
    cluster.changed()
    await cluster.run(1_000)
  }
  assert.deepEqual(take(), ['0:a', '1:b', '2:c', '3:d'])
})

test('a log that was cut back is noticed; what was not given yet is fetched anew', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  for (const value of ['a', 'b', 'c']) partition.write([value])
  const { take } = follow(cluster)
  await cluster.run(50)
  partition.cutBack(1) // b and c are lost, and were not given
  for (const value of ['x', 'y', 'z']) partition.write([value])
  cluster.changed()
  await cluster.run(600)
  assert.deepEqual(take(), ['0:a', '1:x', '2:y', '3:z'])
  partition.cutBack(2) // y and z are lost, and were given
  for (const value of ['p', 'q', 'r']) partition.write([value])
  cluster.changed()
  await cluster.run(600)
  const thrown = refuses('offset-out-of-range', take)
  assert.match(thrown.message, /before offset 4, which were read, are gone: .* parts .* at 2/)
})

test('a log that was cut back below what was given in part', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  // More records than one poll gives.
  for (let i = 0; i < 12; i++) {
    partition.write(Array.from({ length: 100 }, (_, n) => String(i * 100 + n)))
  }
  const { set, take } = follow(cluster)
  await cluster.run(50)
  assert.equal(set.poll(0)?.nextOffset, 1_000)
  partition.cutBack(1_100)
  partition.write(['x'])
  cluster.changed()
  await cluster.run(600)
  assert.deepEqual(take().slice(99), ['1099:1099', '1100:x'])
  partition.cutBack(500)
  partition.write(['y'])
  cluster.changed()
  await cluster.run(600)
  refuses('offset-out-of-range', take)
})

test('a record that was given and is another one now is noticed', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  partition.write(['a'])
  partition.epoch = 1
  partition.write(['b'])
  const { take } = follow(cluster)
  await cluster.run(50)
  assert.deepEqual(take(), ['0:a', '1:b'])
  partition.cutBack(1)
  partition.epoch = 0 // the new leader had them from an earlier one
  partition.write(['x'])
  partition.write(['y'])
  partition.epoch = 2
  cluster.changed()
  await cluster.run(600)
  assert.match(refuses('offset-out-of-range', take).message, /before offset 2, .* parts .* at 3/)
})

test('a topic that was made anew is not read on', async () => {
  const cluster = modelCluster()
  cluster.at('t', 0).write(['a', 'b'])
  const { set, take } = follow(cluster)
  await cluster.run(50)
  assert.deepEqual(take(), ['0:a', '1:b'])
  cluster.removeTopic('t')
  await cluster.run(100)
  cluster.addTopic('u', 1, () => 1)
  cluster.addTopic('t', 1, () => 1)
  cluster.at('t', 0).write(['x', 'y', 'z'])
  await cluster.run(1_500)
  assert.match(refuses('unknown-topic', take).message, /was deleted, and made anew/)
  set.seek(0, 0)
  await cluster.run(50)
  assert.deepEqual(take(), ['0:x', '1:y', '2:z'])
})

test('what several producers committed is given, and nothing behind an open one', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  const write = (producerId: number, value: string): void =>
    partition.write([value], { producerId })
  write(1, 'a1')
  write(2, 'b1')
  partition.write(['plain'])
  write(1, 'a2')
  partition.finish(1, 'abort')
  write(1, 'c1') // the same producer again, and this one counts
  write(3, 'd1')
  partition.finish(2, 'commit')
  write(2, 'e1')
  partition.finish(1, 'commit')
  partition.finish(2, 'abort')
  const fetcher = createFetcher(cluster)
  const { take, set } = follow(cluster, [0], { fetcher })
  await cluster.run(50)
  assert.deepEqual(take(), ['1:b1', '2:plain', '5:c1'])
  assert.equal(set.endOffset(0), 6, 'producer 3 is not decided')
  partition.finish(3, 'commit')
  cluster.changed()
  await cluster.run(50)
  assert.deepEqual(take(), ['6:d1'])
  assert.equal(set.endOffset(0), partition.end)
  // From any offset on the same.
  for (let from = 0; from < partition.end; from++) {
    const other = follow(cluster, [from], { fetcher })
    await cluster.run(50)
    const wanted = ['1:b1', '2:plain', '5:c1', '6:d1'].filter((one) => Number.parseInt(one) >= from)
    assert.deepEqual(other.take(), wanted, `from ${from}`)
    await other.set.close()
  }
})

test('batches without records move the position', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  partition.write(['a'])
  partition.add(emptied(5), 5)
  const { set } = follow(cluster)
  await cluster.run(50)
  assert.equal(set.poll(0)?.nextOffset, 6)
  partition.add(emptied(3), 3)
  cluster.changed()
  await cluster.run(50)
  const empty = set.poll(0)
  assert.deepEqual([empty?.count, empty?.nextOffset], [0, 9])
  assert.equal(set.behind(0), false)
})

test('a batch larger than the budget comes whole; one cut off is asked for again', async () => {
  const cluster = modelCluster()
  const partition = cluster.at('t', 0)
  const large = 'x'.repeat(100_000)
  for (let i = 0; i < 4; i++) partition.write([large])
  for (let i = 0; i < 40; i++) partition.write([String(i), 'y'.repeat(1_000)])
  const { set } = follow(cluster, [0], { bytesMax: 1 })
  const seen: number[] = []
  for (let i = 0; i < 200; i++) {
    await cluster.run(2)
    for (const one of takeAll(set)) seen.push(Number.parseInt(one))
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 84 }, (_, i) => i),
  )
})

test.each([
  ['fails its checksum', 'log-damaged', (bytes: Buffer) => bytes.writeUInt8(1, 70)],
  ['has format 1', 'log-damaged', (bytes: Buffer) => bytes.writeUInt8(1, 16)],
  ['says it has 17 bytes', 'log-damaged', (bytes: Buffer) => bytes.writeInt32BE(5, 8)],
] as const)(
  'a batch that %s: what comes before is given, and then its place',
  async (text, code, spoil) => {
    const cluster = modelCluster({ partitions: 2 })
    const partition = cluster.at('t', 0)
    partition.write(['a'])
    partition.write(['b', 'c'])
    partition.write(['d'])
    cluster.at('t', 1).write(['other'])
    spoil(partition.batches[1]?.bytes ?? Buffer.alloc(0))
    const { set, take } = follow(cluster, [0, 0])
    await cluster.run(50)
    assert.equal(set.poll(0)?.nextOffset, 1)
    await cluster.run(50)
    for (let i = 0; i < 2; i++) {
      const thrown = refuses(code, take)
      assert.ok(thrown.message.includes(text), thrown.message)
      assert.deepEqual(thrown.at, { topic: 't', partition: 0, offset: 1 })
    }
    assert.deepEqual(take(1), ['0:other'], 'nothing of it is left in another input')
    set.seek(0, 3)
    await cluster.run(50)
    assert.deepEqual(take(), ['3:d'])
  },
)

test('an unknown compression names the place', async () => {
  const cluster = modelCluster()
  cluster.at('t', 0).write(['a'])
  cluster.at('t', 0).write(['b'])
  const { bytes } = cluster.at('t', 0).batches[1] ?? { bytes: Buffer.alloc(0) }
  bytes.writeInt16BE(7, 21)
  const { crc32c } = await import('../records/crc32c.ts')
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  const { set, take } = follow(cluster)
  await cluster.run(50)
  assert.equal(set.poll(0)?.count, 1)
  const thrown = refuses('unsupported-codec', take)
  assert.deepEqual(thrown.at, { topic: 't', partition: 0, offset: 1 })
})

test('an answer that starts below the wished offset is cut', async () => {
  const cluster = modelCluster()
  cluster.at('t', 0).write(['a', 'b', 'c', 'd'])
  const { take } = follow(cluster, [2])
  await cluster.run(50)
  assert.deepEqual(take(), ['2:c', '3:d'])
})

test('a broker that repeats what was read does not cause a storm, nor doubles', async () => {
  const cluster = modelCluster()
  cluster.at('t', 0).write(['a'])
  const { take } = follow(cluster)
  await cluster.run(20)
  const records = cluster.at('t', 0).batches[0]?.bytes ?? null
  const place = { topicId: cluster.ids.get('t') ?? '', partition: 0, code: 0, startOffset: 0 }
  const part = { ...place, lastStableOffset: 1, aborted: [], diverging: null, records }
  cluster.meet = ({ sessionId }) => ({ code: 0, sessionId, partitions: [part] })
  const { length } = cluster.sent
  await cluster.run(5_000)
  assert.ok(cluster.sent.length - length <= 20, `${cluster.sent.length - length} requests`)
  assert.deepEqual(take(), ['0:a'])
})

test('a broker that answers at once with nothing is asked at most 50 times a second', async () => {
  const cluster = modelCluster()
  follow(cluster)
  cluster.meet = ({ sessionId }) => ({ code: 0, sessionId, partitions: [] })
  await cluster.run(5_000)
  assert.ok(cluster.sent.length <= 300, `${cluster.sent.length} requests`)
})
