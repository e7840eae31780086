/** What the models of this folder believe of brokers, on real ones. */
import assert from 'node:assert/strict'
import { expect } from 'vitest'
import { KafkaCluster } from '../../../../test/kafka/cluster.ts'
import { brokers, kafkaTest, uniqueName } from '../../../../test/kafka/broker.ts'
import { systemClock } from '../../../core/clock.ts'
import { BatchBuilder } from '../../batch.ts'
import type { AppendBatch } from '../../log.ts'
import { openKafkaLog } from '../kafka-log.ts'
import type { Cluster } from '../wire/cluster.ts'
import { connectCluster } from '../wire/connect-cluster.ts'
import type { FetchAnswer, FetchRequest } from '../wire/requests/fetch.ts'
import { createFetcher } from './fetcher.ts'
import { refuses, takeAll } from './test-follower.ts'

function batch(topic: string, partition: number, values: readonly string[]): AppendBatch {
  const builder = new BatchBuilder()
  for (const value of values) builder.add(null, value, 1)
  return { topic, partition, bytes: builder.finish() }
}

interface Exchange {
  readonly request: FetchRequest
  readonly answer: FetchAnswer
}

/** Keeps what was asked and answered. */
function listen(cluster: Cluster): Exchange[] {
  const seen: Exchange[] = []
  const send = cluster.send.bind(cluster)
  cluster.send = async (to, api, request, options) => {
    const answer = await send(to, api, request, options)
    if (api.name === 'Fetch') {
      seen.push({ request: request as FetchRequest, answer: answer as FetchAnswer })
    }
    return answer
  }
  return seen
}

kafkaTest('a session names only what has changed, and leaves out nothing', async () => {
  const topic = uniqueName('fetch-session')
  const log = await openKafkaLog({ brokers })
  await log.createTopic(topic, { partitions: 12 })
  const cluster = await connectCluster({ brokers, clock: systemClock })
  const seen = listen(cluster)
  const fetcher = createFetcher(cluster)
  const sets = Array.from({ length: 12 }, (_, partition) =>
    fetcher.open([{ topic, partition, offset: 0 }], { bytesMax: 8 << 20, outOfRange: 'stop' }),
  )
  const counts = sets.map(() => 0)
  for (let i = 0; i < 40; i++) {
    const partition = (i * 5) % 12
    await log.append([batch(topic, partition, [String(i)])])
    await expect
      .poll(() => {
        for (const [p, set] of sets.entries()) counts[p] = (counts[p] ?? 0) + takeAll(set).length
        return counts.reduce((sum, count) => sum + count, 0)
      })
      .toBe(i + 1)
  }
  const within = seen.filter(({ request }) => request.sessionEpoch > 0)
  assert.ok(within.length > 20, `${within.length} of ${seen.length} in a session`)
  assert.ok(within.every(({ answer }) => answer.code === 0))
  const named = within.slice(20).map(({ request }) => request.partitions.length)
  assert.ok(Math.max(...named) <= 2, `${named.join()} were named`)
  await fetcher.close()
  await cluster.close()
  await log.deleteTopic(topic)
  await log.close()
})

kafkaTest(
  'a replica that lacks what was read is made leader: noticed by the epoch, not read on',
  async () => {
    const kafka = await KafkaCluster.start({
      nodes: 3,
      heapMb: 256,
      settings: {
        'unclean.leader.election.enable': 'true',
        'min.insync.replicas': '1',
        'broker.session.timeout.ms': '3000',
      },
    })
    try {
      const log = await openKafkaLog({ brokers: kafka.brokers, replicationFactor: 2 })
      await log.createTopic('t')
      const cluster = await connectCluster({ brokers: kafka.brokers, clock: systemClock })
      const fetcher = createFetcher(cluster)
      const places = [{ topic: 't', partition: 0, offset: 0 }]
      const set = fetcher.open(places, { bytesMax: 1 << 20, outOfRange: 'stop' })
      const numbers = (from: number, count: number): string[] =>
        Array.from({ length: count }, (_, i) => String(from + i))
      const read = async (count: number): Promise<void> => {
        let left = count
        await expect.poll(() => (left -= takeAll(set).length), { timeout: 20_000 }).toBe(0)
      }
      await log.append([batch('t', 0, numbers(0, 10))])
      await read(10)
      const meta = (await cluster.topics(['t'])).get('t')?.partitions[0]
      const leader = meta?.leader ?? 0
      const other = meta?.replicas.find((node) => node !== leader) ?? 0
      kafka.kill(other)
      await log.append([batch('t', 0, numbers(10, 10))])
      await read(10)
      kafka.kill(leader)
      await kafka.restart(other)
      await log.append([batch('t', 0, numbers(100, 15))])
      let thrown: unknown = null
      await expect
        .poll(
          () => {
            thrown ??= caught(() => takeAll(set))
            return thrown !== null
          },
          { timeout: 30_000 },
        )
        .toBe(true)
      const error = refuses('offset-out-of-range', () => takeAll(set))
      assert.match(error.message, /before offset 20, .* the log parts from them at 10/)
      await fetcher.close()
      await cluster.close()
      await log.close()
    } finally {
      await kafka.stop()
    }
  },
  180_000,
)

function caught(what: () => unknown): unknown {
  try {
    what()
    return null
  } catch (thrown) {
    return thrown
  }
}
