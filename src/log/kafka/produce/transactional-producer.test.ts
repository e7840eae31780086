import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../../core/error.ts'
import { BatchBuilder } from '../../batch.ts'
import type { AppendBatch, Appended } from '../../log.ts'
import type { GroupOffsets, Ownership, Transaction, TransactionalProducer } from '../contracts.ts'
import type { ProduceBatch } from '../wire/requests/produce.ts'
import type { AppendOptions } from './appends.ts'
import { appendOf, blockOf, TestCluster, testOptions } from './test-cluster.ts'
import { openTransactionalProducer } from './transactional-producer.ts'
import type { ProducerOptions } from './transactional-producer.ts'

async function open(
  cluster: TestCluster,
  options: Partial<ProducerOptions> = {},
): Promise<TransactionalProducer> {
  const common = { ...testOptions(cluster), transactionalId: 'x', patienceMs: 10_000 }
  const producer = await openTransactionalProducer({ ...common, ...options })
  cluster.sent.length = 0
  return producer
}

function offsetsOf(...groups: string[]): () => readonly GroupOffsets[] {
  const offsets = [{ topic: 't', partition: 3, offset: 5, metadata: '' }]
  return () => groups.map((group) => ({ group, offsets, ownership: null }))
}

function transaction(...appends: AppendBatch[]): Transaction {
  return { appends, offsets: offsetsOf('g') }
}

const one = transaction(appendOf('t', 0, 'a'))

/** Producer id, epoch and sequence of every batch that was sent, by partition. */
function owners(cluster: TestCluster): string[] {
  return cluster.sent.flatMap(({ name, request }) =>
    name !== 'Produce'
      ? []
      : (request['batches'] as ProduceBatch[]).map(
          ({ topic, partition, bytes }) =>
            `${topic}/${partition} ${bytes.readBigInt64BE(43)}.${bytes.readInt16BE(51)}` +
            ` ${bytes.readInt32BE(53)}+${bytes.readInt32BE(57)}`,
        ),
  )
}

test('one commit: requests in their order, a receipt for each append', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  const appended = await producer.commit({
    appends: [
      appendOf('t', 0, 'a', 'b'),
      appendOf('t', 1, 'c'),
      appendOf('t', 0, 'd'),
      { topic: 'u', partition: 0, bytes: blockOf() },
    ],
    offsets: offsetsOf('g'),
  })
  assert.deepEqual(
    appended.map((each) => [each.topic, each.partition, each.baseOffset, each.recordCount]),
    [
      ['t', 0, 0, 2],
      ['t', 1, 0, 1],
      ['t', 0, 2, 1],
      ['u', 0, -1, 0],
    ],
  )
  const names = ['AddPartitionsToTxn', 'Produce', 'Produce']
  assert.deepEqual(cluster.names(), [
    ...names,
    'AddOffsetsToTxn',
    'TxnOffsetCommit',
    'EndTxn commit',
  ])
  assert.deepEqual(cluster.sent[0]?.request['places'], [
    { topic: 't', partition: 0 },
    { topic: 't', partition: 1 },
  ])
})

test('the group of the last commit is named while the records are on their way', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  await producer.commit(one)
  cluster.sent.length = 0
  await producer.commit(one)
  assert.deepEqual(cluster.names(), [
    'AddPartitionsToTxn',
    'Produce',
    'AddOffsetsToTxn',
    'TxnOffsetCommit',
    'EndTxn commit',
  ])
})

test('sequences go on from transaction to transaction', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  await producer.commit(transaction(appendOf('t', 0, 'a', 'b'), appendOf('t', 1, 'a')))
  await producer.commit(transaction(appendOf('t', 0, 'c')))
  assert.deepEqual(owners(cluster), ['t/0 7.1 0+2', 't/1 7.1 0+1', 't/0 7.1 2+1'])
})

test('part 2: nothing is added, the epoch rises, sequences begin at 0', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster, { protocol: 'part-2' })
  await producer.commit(one)
  await producer.commit(one)
  const names = ['Produce', 'TxnOffsetCommit', 'EndTxn commit']
  assert.deepEqual(cluster.names(), [...names, ...names])
  assert.deepEqual(
    cluster.sent.map(({ version }) => version),
    [12, 5, 5, 12, 5, 5],
  )
  assert.deepEqual(owners(cluster), ['t/0 7.1 0+1', 't/0 7.2 0+1'])
  cluster.script.set('Produce', [10])
  await assert.rejects(producer.commit(one), (error) => isCode(error, 'record-too-large'))
  await producer.commit(one)
  assert.equal(owners(cluster).at(-1), 't/0 7.4 0+1')
})

test('a commit may wait until its records are visible', async () => {
  for (const protocol of ['part-1', 'part-2'] as const) {
    const cluster = new TestCluster()
    const producer = await open(cluster, { protocol, waitFor: 'markers' })
    cluster.script.set('EndTxn', [0, 51, 51, 0])
    await producer.commit(one)
    const ends = cluster.sent.filter(({ name }) => name === 'EndTxn')
    assert.equal(ends.length, 4)
    assert.deepEqual(ends.at(-1)?.request, ends[0]?.request)
    cluster.script.set('EndTxn', [0, 48])
    await producer.commit(one) // it is committed, whatever is said afterwards
    assert.equal(producer.isDead, false)
  }
})

test('an empty commit sends nothing, but notices that it is fenced', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  const empty = { appends: [], offsets: () => [] }
  assert.deepEqual(await producer.commit(empty), [])
  assert.deepEqual(cluster.names(), ['DescribeTransactions'])
  await open(cluster) // an heir
  assert.equal(await producer.isFenced(), true)
  await assert.rejects(producer.commit(empty), (error) => isCode(error, 'task-fenced'))
  assert.equal(producer.isDead, true)
  await assert.rejects(producer.commit(empty), (error) => isCode(error, 'log-closed'))
})

test('offsets alone are a transaction', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  await producer.commit({ appends: [], offsets: offsetsOf('g', 'h') })
  const add = 'AddOffsetsToTxn'
  const commit = 'TxnOffsetCommit'
  assert.deepEqual(cluster.names(), [add, add, commit, commit, 'EndTxn commit'])
})

test('what is wrong is refused before anything is sent', async () => {
  const cluster = new TestCluster()
  const limits = { recordBytesMax: 10, batchBytesMax: 1_000, isCompacted: true }
  const small: Partial<AppendOptions> = { limits: () => Promise.resolve(limits) }
  const producer = await open(cluster, small)
  const noKey = new BatchBuilder()
  noKey.add(null, 'v', 1)
  const bad = [
    ['unknown-topic', appendOf('nowhere', 0, 'a')],
    ['unknown-partition', appendOf('t', 4, 'a')],
    ['record-too-large', appendOf('t', 0, 'x'.repeat(10))],
    ['invalid-argument', { topic: 't', partition: 0, bytes: noKey.finish() }],
  ] as const
  for (const [code, append] of bad) {
    const commit = producer.commit(transaction(appendOf('t', 1, 'a'), append))
    await assert.rejects(commit, (error) => isCode(error, code))
  }
  assert.deepEqual(cluster.sent, [])
  await producer.commit(transaction(appendOf('t', 0, 'x'.repeat(9))))
})

test('a topic that is deleted meanwhile is the user’s, and the producer goes on', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  for (const name of ['AddPartitionsToTxn', 'Produce', 'TxnOffsetCommit']) {
    cluster.script.set(name, [3])
    cluster.onSend = (sent) => {
      if (sent.name === name) cluster.topicNames.delete('t')
    }
    await assert.rejects(producer.commit(one), (error) => isCode(error, 'unknown-topic'), name)
    assert.equal(cluster.names().at(-1), 'EndTxn abort')
    cluster.onSend = null
    cluster.topicNames.add('t')
    await producer.commit(one)
  }
})

const held = 'InitProducerId held'

const forEver = (step: 'lost' | 'down' | number): ('lost' | 'down' | number)[] =>
  Array.from({ length: 100_000 }, () => step)

test('a lost answer is asked for again, and the next transaction has a new epoch', async () => {
  for (const name of ['AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']) {
    const cluster = new TestCluster()
    const producer = await open(cluster)
    cluster.script.set(name, ['lost'])
    assert.equal((await producer.commit(one))[0]?.baseOffset, 0)
    assert.ok(!cluster.names().includes(held))
    cluster.sent.length = 0
    assert.equal((await producer.commit(one))[0]?.baseOffset, 1)
    assert.deepEqual(cluster.names().slice(0, 2), ['DescribeTransactions', held], name)
    assert.deepEqual(cluster.sent[1]?.request['held'], { producerId: 7, epoch: 1 })
    assert.deepEqual(owners(cluster), ['t/0 7.2 0+1'])
    cluster.sent.length = 0
    await producer.commit(one)
    assert.ok(!cluster.names().includes(held), 'once')
  }
})

test('what the coordinator has aborted is made again, in the next epoch', async () => {
  for (const name of ['AddPartitionsToTxn', 'Produce', 'TxnOffsetCommit', 'EndTxn']) {
    const cluster = new TestCluster()
    const producer = await open(cluster)
    cluster.script.set(name, [47, 47])
    await producer.commit(one)
    assert.equal(cluster.names().filter((sent) => sent === held).length, 2, name)
    assert.equal(owners(cluster).at(-1), 't/0 7.3 0+1')
    assert.equal(producer.isDead, false)
    cluster.script.set(name, forEver(47))
    await assert.rejects(producer.commit(one), (error) => {
      assert.ok(isCode(error, 'log-failed'), String(error))
      return error.outcome === 'not-applied'
    })
    assert.equal(producer.isDead, true)
  }
})

test('records whose acknowledgement is lost are sent again, and are there once', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  cluster.script.set('Produce', ['lost', 'down', 6])
  const appended = await producer.commit(transaction(appendOf('t', 0, 'a', 'b')))
  assert.equal(appended[0]?.baseOffset, 0)
  assert.equal((await producer.commit(one))[0]?.baseOffset, 2)
  assert.deepEqual(new Set(owners(cluster)), new Set(['t/0 7.1 0+2', 't/0 7.1 2+1']))
})

test('an end that is never answered leaves the outcome unknown', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  cluster.script.set('EndTxn', forEver('lost'))
  await assert.rejects(producer.commit(one), (error) => {
    assert.ok(isCode(error, 'commit-unknown'))
    return error.outcome === 'unknown'
  })
  assert.equal(producer.isDead, true)
  assert.ok(!cluster.names().includes('EndTxn abort'))
})

test('an end that was never sent was not done', async () => {
  for (const step of ['down', 51, 14] as const) {
    const cluster = new TestCluster()
    const producer = await open(cluster)
    cluster.script.set('EndTxn', forEver(step))
    await assert.rejects(producer.commit(one), (error) => {
      assert.ok(isCode(error, 'log-unreachable'))
      return error.outcome === 'not-applied'
    })
    assert.equal(producer.isDead, true)
    cluster.script.clear()
    await producer.close()
  }
})

test('a coordinator or leader that stays away ends the commit, not applied', async () => {
  for (const name of ['AddPartitionsToTxn', 'Produce', 'AddOffsetsToTxn', 'TxnOffsetCommit']) {
    for (const step of ['down', 'lost', 15] as const) {
      const cluster = new TestCluster()
      const producer = await open(cluster)
      const isLeader = name === 'Produce' && step === 15
      cluster.script.set(name, forEver(isLeader ? 6 : step))
      await assert.rejects(producer.commit(one), (error) => {
        assert.ok(isCode(error, 'log-unreachable'), `${name} ${step}: ${String(error)}`)
        return error.outcome === 'not-applied'
      })
      assert.equal(cluster.names().at(-1), 'EndTxn abort')
      assert.equal(producer.isDead, true)
    }
  }
})

test('an end that may have been done is made again only if it was aborted', async () => {
  for (const isSure of [true, false]) {
    const cluster = new TestCluster()
    const producer = await open(cluster)
    cluster.script.set('EndTxn', ['down', 'lost', 48])
    cluster.onSend = ({ name }) => {
      if (name !== 'EndTxn') return
      cluster.onSend = null
      cluster.timeOut()
      if (!isSure) cluster.transactionState = 'CompleteCommit'
    }
    const commit = producer.commit(one)
    if (isSure) await commit
    else await assert.rejects(commit, (error) => isCode(error, 'commit-unknown'))
    assert.equal(producer.isDead, !isSure)
    assert.equal(owners(cluster).length, isSure ? 2 : 1)
  }
})

test('where a later owner has come, nothing is asked for that would harm it', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  cluster.onSend = ({ name }) => {
    if (name !== 'TxnOffsetCommit') return
    cluster.onSend = null
    void open(cluster)
  }
  cluster.script.set('EndTxn', [90])
  await assert.rejects(producer.commit(one), (error) => isCode(error, 'task-fenced'))
  assert.equal(cluster.names().at(-1), 'DescribeTransactions')
  assert.equal(producer.isDead, true)
})

test('a task that is not owned is not committed', async () => {
  const cluster = new TestCluster()
  const gone: Ownership = { identity: () => null, settled: () => Promise.resolve(null) }
  const lost: Ownership = { ...gone, identity: () => ({ ...member, generation: 1 }) }
  const member = { memberId: 'm', instanceId: null }
  for (const ownership of [gone, lost]) {
    const producer = await open(cluster)
    const offsets = offsetsOf('g')().map((each) => ({ ...each, ownership }))
    cluster.script.set('TxnOffsetCommit', [22])
    const commit = producer.commit({ appends: one.appends, offsets: () => offsets })
    await assert.rejects(commit, (error) => isCode(error, 'task-fenced'))
    assert.equal(cluster.names().at(-1), 'EndTxn abort')
    assert.equal(producer.isDead, true)
  }
})

test('what the caller throws while it makes the offsets only aborts', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  const offsets = (): never => {
    throw new Error('no')
  }
  await assert.rejects(producer.commit({ ...one, offsets }), /no/)
  assert.equal(cluster.names().at(-1), 'EndTxn abort')
  await producer.commit(one)
})

test('a large append is several batches in several requests, five at a time', async () => {
  const cluster = new TestCluster()
  const limits = { recordBytesMax: 1_000, batchBytesMax: 1_200, isCompacted: false }
  const producer = await open(cluster, { limits: () => Promise.resolve(limits) })
  let most = 0
  let inFlight = 0
  cluster.onSend = ({ name }) => {
    if (name === 'Produce') inFlight -= 1
  }
  const send = cluster.send.bind(cluster)
  cluster.send = (to, api, request) => {
    if (api.name === 'Produce') most = Math.max(most, (inFlight += 1))
    return send(to, api, request)
  }
  const values = Array.from({ length: 12 }, (_, i) => String(i).repeat(900).slice(0, 900))
  const appended = await producer.commit(
    transaction(appendOf('t', 0, ...values), appendOf('t', 0, 'z')),
  )
  assert.deepEqual(
    appended.map(({ baseOffset, recordCount }) => [baseOffset, recordCount]),
    [
      [0, 12],
      [12, 1],
    ],
  )
  assert.equal(most, 5)
  assert.deepEqual(
    owners(cluster).map((owner) => Number(owner.split(' ')[2]?.split('+')[0])),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  )
})

test('an append with another producer between its batches is aborted and made again', async () => {
  const cluster = new TestCluster()
  const limits = { recordBytesMax: 1_000, batchBytesMax: 1_200, isCompacted: false }
  const producer = await open(cluster, { limits: () => Promise.resolve(limits) })
  const values = ['a', 'b', 'c'].map((letter) => letter.repeat(900))
  const commit = (times: number): Promise<readonly Appended[]> => {
    let left = times
    cluster.onSend = ({ name, request }) => {
      const [batch] = name === 'Produce' ? (request['batches'] as ProduceBatch[]) : []
      if ((batch?.bytes.readInt32BE(53) ?? 0) % 3 === 1 && left-- > 0)
        cluster.writeElsewhere('t', 0)
    }
    cluster.sent.length = 0
    return producer.commit(transaction(appendOf('t', 0, ...values)))
  }
  const [appended] = await commit(2)
  assert.deepEqual([appended?.baseOffset, appended?.recordCount], [8, 3])
  assert.deepEqual(
    cluster.names().filter((name) => name.startsWith('EndTxn')),
    ['EndTxn abort', 'EndTxn abort', 'EndTxn commit'],
  )
  await assert.rejects(commit(100), (error) => isCode(error, 'log-failed'))
  assert.equal(producer.isDead, false)
})

test('two commits at once are an assertion', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  const first = producer.commit(one)
  await assert.rejects(producer.commit(one), (error) => isCode(error, 'assertion-failed'))
  await first
})

test('close waits for the commit under way', async () => {
  const cluster = new TestCluster()
  const producer = await open(cluster)
  let isCommitted = false
  const commit = producer.commit(one).then(() => (isCommitted = true))
  await producer.close()
  assert.equal(isCommitted, true)
  await commit
  await producer.close()
  await assert.rejects(producer.commit(one), (error) => isCode(error, 'log-closed'))
})

test('the epoch grows with every open', async () => {
  const cluster = new TestCluster()
  const first = await open(cluster)
  const second = await open(cluster)
  assert.equal(first.epoch, 7 * 2 ** 15 + 1)
  assert.ok(second.epoch > first.epoch)
})
