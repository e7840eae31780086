import assert from 'node:assert/strict'
import { beforeAll } from 'vitest'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { isCode } from '../../../core/error.ts'
import { seededRandom } from '../../../core/random.ts'
import type { Ownership } from '../contracts.ts'
import { createAtLeastOnceCommitter } from './at-least-once.ts'
import { faultyCluster, openPlace, randomFaults } from './test-broker.ts'
import type { Place } from './test-broker.ts'
import { appendOf } from './test-cluster.ts'

let place: Place
beforeAll(async () => {
  if (brokers.length === 0) return
  place = await openPlace(brokers, uniqueName('loose'))
  return () => place.close()
})

async function valuesOf(partition: number): Promise<string[]> {
  return (await place.read(partition)).map((one) => one.slice(one.indexOf(':') + 1))
}

kafkaTest('records and offsets are written, and the records are visible at once', async () => {
  const committer = createAtLeastOnceCommitter(place.options)
  const group = uniqueName('loose')
  for (const n of [1, 2]) {
    const offsets = [{ topic: place.topic, partition: 0, offset: n, metadata: '' }]
    let atOffsets: string[] = []
    const appended = await committer.commit({
      appends: [appendOf(place.topic, 0, `a${n}`, `b${n}`), appendOf(place.topic, 1, `c${n}`)],
      offsets: (given) => {
        atOffsets = given.map(({ baseOffset }) => String(baseOffset))
        return [{ group, offsets, ownership: null }]
      },
    })
    assert.deepEqual(atOffsets, [String((n - 1) * 2), String(n - 1)])
    assert.equal(appended[0]?.recordCount, 2)
    assert.equal(await place.committed(group, 0), n)
  }
  assert.deepEqual(await valuesOf(0), ['a1', 'b1', 'a2', 'b2'])
  assert.equal(await committer.isFenced(), false)
  await committer.close()
})

kafkaTest(
  'a member that is none any more commits no offsets, but its records are there',
  async () => {
    const committer = createAtLeastOnceCommitter(place.options)
    const group = uniqueName('loose')
    const member = { generation: 3, memberId: 'nobody', instanceId: null }
    const ownership: Ownership = { identity: () => member, settled: () => Promise.resolve(null) }
    const offsets = [{ topic: place.topic, partition: 2, offset: 1, metadata: '' }]
    const commit = committer.commit({
      appends: [appendOf(place.topic, 2, 'of nobody')],
      offsets: () => [{ group, offsets, ownership }],
    })
    await assert.rejects(commit, (error) => isCode(error, 'task-fenced'))
    assert.equal(committer.isDead, true)
    assert.equal(await place.committed(group, 2), null)
    assert.deepEqual(await valuesOf(2), ['of nobody'])
  },
)

kafkaTest('under lost and late requests every commit is there at least once', async () => {
  const random = seededRandom(3)
  const faults = randomFaults(random, ['lost-request', 'lost-answer', 'late'], 6)
  const cluster = faultyCluster(place.cluster, faults.decide, () => random.int(30))
  const group = uniqueName('loose')
  const committer = createAtLeastOnceCommitter({ ...place.options, cluster })
  const wanted: string[] = []
  for (let n = 1; n <= 50; n++) {
    const offsets = [{ topic: place.topic, partition: 3, offset: n, metadata: '' }]
    await committer.commit({
      appends: [appendOf(place.topic, 3, `v${n}`)],
      offsets: () => [{ group, offsets, ownership: null }],
    })
    wanted.push(`v${n}`)
  }
  await cluster.settled()
  assert.ok(faults.count() > 10)
  const seen = await valuesOf(3)
  for (const value of wanted) assert.ok(seen.includes(value), value)
  assert.deepEqual([...new Set(seen)], wanted)
})
