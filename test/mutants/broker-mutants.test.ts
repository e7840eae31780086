/**
 * The simulation on modelled brokers sees what goes wrong between driver and brokers: with brokers
 * that break one promise each, or a driver that does not keep to one, some seed must fail. Each
 * changes what the driver asks or is told, as a bug of that kind would.
 */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../../src/core/error.ts'
import { count, from, json, topic, tumbling } from '../../src/index.ts'
import { errorCode } from '../../src/log/kafka/wire/error-codes.ts'
import type { ModelBrokers } from '../../src/log/kafka/model/model-brokers.ts'
import type { FetchAnswer } from '../../src/log/kafka/wire/requests/fetch.ts'
import type { InitProducerIdRequest } from '../../src/log/kafka/wire/requests/init-producer-id.ts'
import type { TxnOffsetCommitRequest } from '../../src/log/kafka/wire/requests/txn-offset-commit.ts'
import { BrokerWorld } from '../../src/testing/simulate/broker/broker-world.ts'
import { inputOf } from '../../src/testing/simulate/simulation-input.ts'
import { simulateOn } from '../../src/testing/simulate/simulate.ts'

interface Event {
  readonly id: string
  readonly at: number
}
const spec = { codec: json<Event>(), key: ({ id }: Event) => id, time: ({ at }: Event) => at }
const events = topic('events', { ...spec, partitions: 2 })
const counts = from(events)
  .keyBy(({ id }) => id.slice(0, 1))
  .window(tumbling('5s'))
  .aggregate({ n: count() })
  .to(topic('counts'))
const values = Array.from({ length: 60 }, (_, i): Event => ({ id: `${i % 5}k`, at: i * 400 }))
const input = inputOf(events, values)
const faults = [
  'crash',
  'pause',
  'small-reads',
  'hand-over',
  'commit-fails',
  'answer-lost',
] as const

type Spoil = (brokers: ModelBrokers) => void

async function run(spoil: Spoil, seeds: number): Promise<void> {
  const world = (of: ConstructorParameters<typeof BrokerWorld>[0]): BrokerWorld =>
    new BrokerWorld(of, spoil)
  await simulateOn({ world }, counts, {
    input,
    seeds,
    faults,
    tasks: 'per-partition',
    settle: '2m',
    shrinkFor: '1ms',
  })
}

const wrongs: Readonly<Record<string, Spoil>> = {
  'records of an aborted transaction are shown': (brokers) => {
    brokers.wrap = async (handle, name) => {
      const answer = await handle()
      if (name !== 'Fetch') return answer
      const { partitions, ...rest } = answer as FetchAnswer
      return { ...rest, partitions: partitions.map((one) => ({ ...one, aborted: [] })) }
    }
  },
  'offsets are committed outside of the transaction': (brokers) => {
    brokers.wrap = (handle, name, request) => {
      if (name === 'TxnOffsetCommit') {
        const { group, offsets } = request as TxnOffsetCommitRequest
        for (const one of offsets) brokers.groups.offsetsOf(group).commit(one)
      }
      return handle()
    }
  },
  'records of an open transaction are shown': (brokers) => {
    brokers.wrap = (handle, name) => {
      if (name === 'Fetch' || name === 'ListOffsets') {
        for (const { partitions } of brokers.topics.all) {
          for (const one of partitions) {
            Object.defineProperty(one, 'stableEnd', { get: () => one.end, configurable: true })
          }
        }
      }
      return handle()
    }
  },
  'an earlier owner is not fenced': (brokers) => {
    const held = new Map<string, unknown>()
    brokers.wrap = (handle, name, request) => {
      if (name !== 'InitProducerId') return handle()
      const id = (request as InitProducerIdRequest).transactionalId ?? ''
      const known = held.get(id)
      if (known !== undefined) return known
      const answer = handle() as { readonly code: number }
      if (answer.code === errorCode.none && id !== '') held.set(id, answer)
      return answer
    }
  },
  'a batch that comes again is written again': (brokers) => {
    brokers.wrap = async (handle, name) => {
      if (name !== 'Produce') return await handle()
      for (const { partitions } of brokers.topics.all) {
        for (const one of partitions) one.believeProducers()
      }
      return await handle()
    }
  },
}

for (const [title, spoil] of Object.entries(wrongs)) {
  test(`the simulation sees that ${title}`, { timeout: 60_000 }, async () => {
    await assert.rejects(
      run(spoil, 150),
      (thrown) => isCode(thrown, 'simulation-failed') || isCode(thrown, 'not-deterministic'),
    )
  })
}

test('and nothing with brokers that are right', { timeout: 60_000 }, async () => {
  await run(() => {}, 60)
})
