import assert from 'node:assert/strict'
import { beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { systemClock } from '../../../core/clock.ts'
import { isCode } from '../../../core/error.ts'
import type { Appended } from '../../log.ts'
import type { GroupOffsets, TransactionalProducer } from '../contracts.ts'
import { faultyCluster, openPlace } from './test-broker.ts'
import type { Fault, Place } from './test-broker.ts'
import { appendOf } from './test-cluster.ts'
import { openTransactionalProducer } from './transactional-producer.ts'
import type { ProducerOptions } from './transactional-producer.ts'

let place: Place
beforeAll(async () => {
  if (brokers.length === 0) return
  place = await openPlace(brokers, uniqueName('produce'), { recordBytesMax: 2_000 })
  return () => place.close()
})

function open(
  transactionalId: string,
  options: Partial<ProducerOptions> = {},
): Promise<TransactionalProducer> {
  return openTransactionalProducer({
    ...place.options,
    transactionalId,
    waitFor: 'markers',
    ...options,
  })
}

/** Appends to `partition`, and commits its offset in a group. */
function put(
  producer: TransactionalProducer,
  partition: number,
  values: readonly string[],
  offsets: () => readonly GroupOffsets[] = () => [],
): Promise<readonly Appended[]> {
  return producer.commit({ appends: [appendOf(place.topic, partition, ...values)], offsets })
}

function offsetIn(group: string, partition: number, offset: number): () => readonly GroupOffsets[] {
  const offsets = [{ topic: place.topic, partition, offset, metadata: 'm' }]
  return () => [{ group, offsets, ownership: null }]
}

async function valuesOf(partition: number): Promise<string[]> {
  return (await place.read(partition)).map((one) => one.slice(one.indexOf(':') + 1))
}

/** A cluster that does nothing at the request named, and ends the commit there. */
function stopAt(name: string): ReturnType<typeof faultyCluster> {
  return faultyCluster(place.cluster, (one): Fault => (one === name ? 'lost-request' : 'none'))
}

/** A producer that stops before the end of its transaction, until it is told to go on. */
async function heldAtEnd(
  id: string,
  protocol: 'part-1' | 'part-2',
): Promise<{
  commit(values: readonly string[]): Promise<unknown>
  readonly isAtEnd: Promise<void>
  goOn(): void
}> {
  const atEnd = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const cluster = faultyCluster(place.cluster, () => 'none')
  const { send } = cluster
  cluster.send = async (to, api, request, options) => {
    if (api.name === 'EndTxn') {
      atEnd.resolve()
      await held.promise
    }
    return await send(to, api, request, options)
  }
  const producer = await open(id, { protocol, cluster })
  return {
    commit: async (values) => {
      const commit = put(producer, 3, values)
      commit.catch(() => {}) // the test looks at it later
      try {
        await commit
      } finally {
        await producer.close()
      }
    },
    isAtEnd: atEnd.promise,
    goOn: held.resolve,
  }
}

for (const protocol of ['part-1', 'part-2'] as const) {
  kafkaTest(`L1 ${protocol}: records and offsets come with the end, together`, async () => {
    const group = uniqueName('produce')
    const values = [`${protocol} a`, `${protocol} b`]
    let before: unknown = null
    const cluster = faultyCluster(place.cluster, () => 'none')
    const { send } = cluster
    cluster.send = async (to, api, request, options) => {
      if (api.name === 'EndTxn' && before === null) {
        before = [await valuesOf(0), await place.stableEnd(0)]
      }
      return await send(to, api, request, options)
    }
    const producer = await open(uniqueName('produce'), { cluster, protocol })
    const start = await place.stableEnd(0)
    const had = await valuesOf(0)
    const [appended] = await put(producer, 0, values, offsetIn(group, 0, 77))
    assert.deepEqual(before, [had, start])
    assert.equal(appended?.recordCount, 2)
    assert.equal(await place.committed(group, 0), 77)
    const read = await place.read(0)
    assert.deepEqual(
      read.slice(-2),
      values.map((value, i) => `${(appended?.baseOffset ?? 0) + i}:${value}`),
    )
    await put(producer, 0, ['next'], offsetIn(group, 0, 78))
    assert.equal(await place.committed(group, 0), 78)
    await producer.close()
  })

  kafkaTest(`L1 ${protocol}: an aborted transaction is never seen`, async () => {
    const group = uniqueName('produce')
    const producer = await open(uniqueName('produce'), { protocol })
    const had = await valuesOf(1)
    const fail = (): never => {
      throw new Error('the caller gives up')
    }
    await assert.rejects(put(producer, 1, ['aborted'], fail), /gives up/)
    assert.equal(producer.isDead, false)
    await put(producer, 1, ['kept'], offsetIn(group, 1, 5))
    await assert.rejects(put(producer, 1, ['aborted'], fail), /gives up/)
    await put(producer, 1, ['kept 2'], offsetIn(group, 1, 6))
    assert.deepEqual(await valuesOf(1), [...had, 'kept', 'kept 2'])
    assert.equal(await place.committed(group, 1), 6)
    await producer.close()
  })

  kafkaTest(`L4 ${protocol}: whoever opens an id later fences the earlier one`, async () => {
    const id = uniqueName('produce')
    const first = await open(id, { protocol })
    await put(first, 2, ['of the first'])
    assert.equal(await first.isFenced(), false)
    const second = await open(id, { protocol })
    assert.ok(second.epoch > first.epoch)
    assert.equal(await first.isFenced(), true)
    await assert.rejects(put(first, 2, ['of a zombie']), (error) => isCode(error, 'task-fenced'))
    assert.equal(first.isDead, true)
    await put(second, 2, ['of the second'])
    const empty = { appends: [], offsets: () => [] }
    assert.deepEqual(await second.commit(empty), [])
    const third = await open(id, { protocol })
    await assert.rejects(second.commit(empty), (error) => isCode(error, 'task-fenced'))
    const offsets = offsetIn(uniqueName('produce'), 2, 1)
    const late = open(id, { protocol }).then(async (fourth) => await fourth.close())
    await late
    await assert.rejects(third.commit({ appends: [], offsets }), (error) =>
      isCode(error, 'task-fenced'),
    )
    const seen = await valuesOf(2)
    assert.deepEqual(seen.slice(-2), ['of the first', 'of the second'])
  })

  kafkaTest(`L4 ${protocol}: an heir ends a zombie's transaction in less than 1 s`, async () => {
    const id = uniqueName('produce')
    const zombie = await open(id, { protocol, cluster: stopAt('EndTxn'), patienceMs: 300 })
    const had = await valuesOf(3)
    const end = await place.stableEnd(3)
    await assert.rejects(put(zombie, 3, ['of a zombie']), (error) =>
      isCode(error, 'commit-unknown'),
    )
    assert.equal(await place.stableEnd(3), end, 'its transaction is open')
    const startMs = systemClock.monotonic()
    const heir = await open(id, { protocol })
    const tookMs = systemClock.monotonic() - startMs
    assert.ok(tookMs < 1_000, `it took ${tookMs} ms`)
    await put(heir, 3, ['of the heir'])
    assert.deepEqual(await valuesOf(3), [...had, 'of the heir'])
    await heir.close()
  })

  kafkaTest(`L4 ${protocol}: a zombie leaves its heir's open transaction alone`, async () => {
    const id = uniqueName('produce')
    const had = await valuesOf(3)
    const zombie = await heldAtEnd(id, protocol)
    const late = zombie.commit(['of a zombie'])
    await zombie.isAtEnd
    const heir = await heldAtEnd(id, protocol)
    const commit = heir.commit(['of the heir'])
    await heir.isAtEnd
    zombie.goOn()
    await assert.rejects(late, (error) => isCode(error, 'task-fenced'))
    heir.goOn()
    await commit
    assert.deepEqual(await valuesOf(3), [...had, 'of the heir'])
  })

  kafkaTest(`L4 ${protocol}: a member that is none any more commits nothing`, async () => {
    const producer = await open(uniqueName('produce'), { protocol })
    const group = uniqueName('produce')
    const had = await valuesOf(2)
    let settled = 0
    const ownership = {
      identity: () => ({ generation: 3, memberId: 'nobody', instanceId: null }),
      settled: () => {
        settled += 1
        return Promise.resolve(null)
      },
    }
    const offsets = [{ topic: place.topic, partition: 2, offset: 1, metadata: '' }]
    const commit = put(producer, 2, ['of nobody'], () => [{ group, offsets, ownership }])
    await assert.rejects(commit, (error) => isCode(error, 'task-fenced'))
    assert.equal(settled, 1)
    assert.equal(await place.committed(group, 2), null)
    assert.deepEqual(await valuesOf(2), had)
  })

  kafkaTest(`L1 ${protocol}: an end whose answer is lost is found out`, async () => {
    let lost: Fault[] = []
    const decide = (name: string): Fault => (name === 'EndTxn' ? (lost.shift() ?? 'none') : 'none')
    const cluster = faultyCluster(place.cluster, decide)
    const producer = await open(uniqueName('produce'), { protocol, cluster })
    const had = await valuesOf(0)
    for (const faults of [['lost-answer'], ['lost-request'], ['lost-answer', 'lost-answer']]) {
      lost = faults as Fault[]
      await put(producer, 0, [faults.join()])
    }
    assert.deepEqual(await valuesOf(0), [
      ...had,
      'lost-answer',
      'lost-request',
      'lost-answer,lost-answer',
    ])
    await producer.close()
  })

  for (const ending of ['none', 'lost-request'] as const) {
    kafkaTest(`${protocol}: what is open for too long is made again, end: ${ending}`, async () => {
      const had = await valuesOf(1)
      let ends = 0
      const decide = (name: string): Fault => (name === 'EndTxn' && ++ends === 1 ? ending : 'none')
      const cluster = faultyCluster(place.cluster, decide)
      const { send } = cluster
      let opened = 0
      cluster.send = async (to, api, request, options) => {
        if (api.name === 'EndTxn') await until(hasEnded, 30_000)
        const answer = await send(to, api, request, options)
        // One that comes while the abort is not through is asked again.
        const { code } = answer as { readonly code?: number }
        if (api.name === 'InitProducerId' && code === 0) opened += 1
        return answer
      }
      const start = await place.stableEnd(1)
      // The coordinator's own abort marker moves it.
      const hasEnded = async (): Promise<boolean> => (await place.stableEnd(1)) > start
      const producer = await open(uniqueName('produce'), { protocol, cluster, timeoutMs: 1_000 })
      const group = uniqueName('produce')
      await put(producer, 1, ['too late'], offsetIn(group, 1, 3))
      assert.equal(opened, 2, 'once for the next epoch')
      await put(producer, 1, ['after'], offsetIn(group, 1, 4))
      assert.deepEqual(await valuesOf(1), [...had, 'too late', 'after'])
      assert.equal(await place.committed(group, 1), 4)
      await producer.close()
    })
  }

  kafkaTest(`${protocol}: a record that the broker refuses leaves the producer alive`, async () => {
    const limits = { recordBytesMax: 1 << 20, batchBytesMax: 1 << 20, isCompacted: false }
    const producer = await open(uniqueName('produce'), {
      protocol,
      limits: () => Promise.resolve(limits),
    })
    const had = await valuesOf(2)
    await put(producer, 2, ['a'])
    for (let i = 0; i < 2; i++) {
      const appends = [appendOf(place.topic, 2, 'x'.repeat(9_000)), appendOf(place.topic, 3, 'y')]
      const commit = producer.commit({ appends, offsets: () => [] })
      await assert.rejects(commit, (error) => isCode(error, 'record-too-large'))
      await put(producer, 2, [`b${i}`])
    }
    assert.deepEqual(await valuesOf(2), [...had, 'a', 'b0', 'b1'])
    await producer.close()
  })

  kafkaTest(`${protocol}: appends of many batches, several to one partition`, async () => {
    const producer = await open(uniqueName('produce'), { protocol })
    const start = await valuesOf(0)
    const values = Array.from({ length: 40 }, (_, i) => String(i).padEnd(900, '.'))
    const appends = [
      appendOf(place.topic, 0, ...values),
      appendOf(place.topic, 1, 'one'),
      appendOf(place.topic, 0, 'last'),
    ]
    const appended = await producer.commit({ appends, offsets: () => [] })
    const seen = await place.read(0)
    const base = appended[0]?.baseOffset ?? -1
    assert.deepEqual(
      seen.slice(start.length),
      [...values, 'last'].map((value, i) => `${base + i}:${value}`),
    )
    assert.equal(appended[2]?.baseOffset, base + 40)
    await producer.close()
  })
}

/** Until `met`, asked without a pause. */
async function until(met: () => Promise<boolean>, limitMs: number): Promise<void> {
  const endMs = systemClock.monotonic() + limitMs
  while (!(await met())) assert.ok(systemClock.monotonic() < endMs, `not within ${limitMs} ms`)
}
