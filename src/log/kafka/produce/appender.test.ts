import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../../core/error.ts'
import { seededRandom } from '../../../core/random.ts'
import type { ProduceBatch } from '../wire/requests/produce.ts'
import { createAppender } from './appender.ts'
import type { Appender, AppenderOptions } from './appender.ts'
import { appendOf, blockOf, TestCluster, testOptions } from './test-cluster.ts'

function open(cluster: TestCluster, options: Partial<AppenderOptions> = {}): Appender {
  const common = { ...testOptions(cluster), random: seededRandom(1), patienceMs: 5_000 }
  return createAppender({ ...common, ...options })
}

/** Records of each batch of each Produce request. */
function produced(cluster: TestCluster): string[] {
  return cluster.sent.flatMap(({ name, request }) => {
    if (name !== 'Produce') return []
    const batches = request['batches'] as ProduceBatch[]
    const texts = batches.map(
      ({ topic, partition, bytes }) => `${topic}/${partition}+${bytes.readInt32BE(57)}`,
    )
    return [texts.join(' ')]
  })
}

test('one block for one partition is written without a transaction', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  assert.deepEqual(await appender.append([appendOf('t', 0, 'a', 'b')]), [
    { topic: 't', partition: 0, baseOffset: 0, recordCount: 2 },
  ])
  assert.deepEqual(cluster.names(), ['InitProducerId', 'Produce'])
  assert.equal(cluster.sent[1]?.request['transactionalId'], null)
  await appender.append([appendOf('t', 0, 'c')])
  assert.deepEqual(cluster.names(), ['InitProducerId', 'Produce', 'Produce'])
})

test('L3 what waits goes together, in order, each with its own receipt', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const first = appender.append([appendOf('t', 0, 'a')])
  await cluster.clock.nextTurn()
  const rest = [
    ...[1, 2, 3].map((n) => appender.append([appendOf('t', 0, ...Array.from('xyz').slice(0, n))])),
    appender.append([appendOf('t', 1, 'p')]),
    appender.append([{ topic: 'u', partition: 0, bytes: blockOf() }]),
    appender.append([]),
  ]
  await first
  const appended = (await Promise.all(rest)).map(([one]) => one?.baseOffset)
  assert.deepEqual(appended, [1, 2, 4, 0, -1, undefined])
  // One request for each leader.
  assert.deepEqual(produced(cluster), ['t/0+1', 't/0+6', 't/1+1'])
})

test('L1 several blocks are one transaction; those that wait share it', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const appends = [0, 1, 2].map(() =>
    appender.append([appendOf('t', 0, 'a'), appendOf('t', 1, 'b'), appendOf('t', 0, 'c')]),
  )
  const bases = (await Promise.all(appends)).map((each) => each.map((one) => one.baseOffset))
  assert.deepEqual(bases, [
    [0, 0, 1],
    [2, 1, 3],
    [4, 2, 5],
  ])
  assert.deepEqual(
    cluster.names().filter((name) => name.startsWith('EndTxn')),
    ['EndTxn commit', 'EndTxn commit'], // the second asks whether it is visible
  )
  const id = cluster.sent.find(({ name }) => name === 'EndTxn')?.request['transactionalId']
  assert.match(String(id), /^millrace-append-[0-9a-z]{20}$/)
})

test('L3 kinds that take turns keep their order', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const appends = Array.from({ length: 6 }, (_, i) =>
    appender.append(
      i % 2 === 0 ? [appendOf('t', 0, 'a')] : [appendOf('t', 0, 'a'), appendOf('t', 1, 'b')],
    ),
  )
  const bases = (await Promise.all(appends)).map(([one]) => one?.baseOffset)
  assert.deepEqual(bases, [0, 1, 2, 3, 4, 5])
})

test('a block that is more than one batch is a transaction', async () => {
  const cluster = new TestCluster()
  const limits = { recordBytesMax: 1_000, batchBytesMax: 1_200, isCompacted: false }
  const appender = open(cluster, { limits: () => Promise.resolve(limits) })
  const large = 'x'.repeat(900)
  assert.deepEqual(await appender.append([appendOf('t', 0, large, large)]), [
    { topic: 't', partition: 0, baseOffset: 0, recordCount: 2 },
  ])
  assert.deepEqual(produced(cluster), ['t/0+1', 't/0+1'])
  assert.ok(cluster.names().includes('EndTxn commit'))
  // Two that fit into one batch each are not put together.
  const both = [large, large].map((value) => appender.append([appendOf('t', 0, value)]))
  assert.deepEqual(
    (await Promise.all(both)).map(([one]) => one?.baseOffset),
    [2, 3],
  )
})

test('a refused append does not take those with it that came along', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const bad = [
    ['unknown-topic', appendOf('nowhere', 0, 'a')],
    ['unknown-partition', appendOf('t', 9, 'a')],
    ['invalid-argument', { topic: 't', partition: 0, bytes: new Uint8Array(40) }],
  ] as const
  for (const [code, append] of bad) {
    const good = appender.append([appendOf('t', 0, 'a')])
    await assert.rejects(appender.append([append]), (error) => isCode(error, code))
    await good
  }
  // What only the broker can see: the batch is refused, then each append by itself.
  cluster.script.set('Produce', [87, 0, 87])
  const three = [1, 2, 3].map(() => appender.append([appendOf('t', 0, 'a')]))
  const results = await Promise.allSettled(three)
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})

test('an unanswered batch is sent again, and is there once', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  cluster.script.set('Produce', ['lost', 'down', 7])
  assert.equal((await appender.append([appendOf('t', 0, 'a')]))[0]?.baseOffset, 0)
  assert.equal((await appender.append([appendOf('t', 0, 'b')]))[0]?.baseOffset, 1)
})

test('a batch that the broker does not know the producer of gets a new one', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  await appender.append([appendOf('t', 0, 'a')])
  for (const code of [45, 47, 59]) {
    cluster.sent.length = 0
    cluster.script.set('Produce', [code])
    await appender.append([appendOf('t', 0, 'b')])
    assert.deepEqual(cluster.names(), ['Produce', 'InitProducerId', 'Produce'])
  }
})

test('a batch of which nobody can say whether it is there is not sent again', async () => {
  for (const steps of [['lost', 45], ['lost', 59], [46]] as const) {
    const cluster = new TestCluster()
    const appender = open(cluster)
    await appender.append([appendOf('t', 1, 'a')])
    cluster.script.set('Produce', [...steps])
    await assert.rejects(appender.append([appendOf('t', 0, 'a')]), (error) => {
      assert.ok(isCode(error, 'commit-unknown'), String(error))
      return error.outcome === 'unknown'
    })
    await appender.append([appendOf('t', 0, 'b')])
  }
})

test('a leader that stays away ends the append: unknown where it was sent', async () => {
  for (const [step, code] of [
    ['down', 'log-unreachable'],
    ['lost', 'commit-unknown'],
    [6, 'log-unreachable'],
    [7, 'commit-unknown'],
  ] as const) {
    const cluster = new TestCluster()
    const appender = open(cluster)
    cluster.script.set(
      'Produce',
      Array.from({ length: 10_000 }, () => step),
    )
    await assert.rejects(appender.append([appendOf('t', 0, 'a')]), (error) => isCode(error, code))
    cluster.script.clear()
    await appender.append([appendOf('t', 0, 'b')])
  }
})

test('after a transaction of unknown outcome the next append has a new producer', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const two = (): Promise<unknown> =>
    appender.append([appendOf('t', 0, 'a'), appendOf('t', 1, 'a')])
  await two()
  cluster.script.set(
    'EndTxn',
    Array.from({ length: 10_000 }, () => 'lost' as const),
  )
  await assert.rejects(two(), (error) => isCode(error, 'commit-unknown'))
  cluster.script.clear()
  cluster.sent.length = 0
  await two()
  assert.ok(cluster.names().includes('InitProducerId'))
})

test('an id of its own that is fenced all the same is taken over again', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const two = (): Promise<unknown> =>
    appender.append([appendOf('t', 0, 'a'), appendOf('t', 1, 'a')])
  cluster.script.set('Produce', [90])
  cluster.script.set('InitProducerId held', [90])
  await two()
  cluster.script.set(
    'Produce',
    Array.from({ length: 20 }, () => 90),
  )
  cluster.script.set('InitProducerId held', [90, 90, 90])
  await assert.rejects(two(), (error) => isCode(error, 'log-failed'))
})

test('close lets what is under way finish and refuses the rest', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  const first = appender.append([appendOf('t', 0, 'a')])
  await cluster.clock.nextTurn()
  const second = appender.append([appendOf('t', 0, 'b')])
  const refused = assert.rejects(second, (error) => isCode(error, 'log-closed'))
  await appender.close()
  await first
  await refused
  await assert.rejects(appender.append([appendOf('t', 0, 'c')]), (error) =>
    isCode(error, 'log-closed'),
  )
  await appender.close()
})

test('a stamp that is none is refused before anything is sent', async () => {
  const cluster = new TestCluster()
  const appender = open(cluster)
  for (const [producer, sequence] of [
    ['', 0],
    ['p'.repeat(250), 0],
    ['p', -1],
    ['p', 0.5],
  ] as const) {
    const append = appender.append([appendOf('t', 0, 'a')], { producer, sequence })
    await assert.rejects(append, (error) => isCode(error, 'invalid-argument'))
  }
  assert.deepEqual(cluster.sent, [])
})
