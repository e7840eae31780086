/** The driver on modelled brokers passes the suite that it passes on real ones. */
import { describe, test } from 'vitest'
import { seededRandom } from '../../../core/random.ts'
import { defineLogConformance, type LogSubject } from '../../log.conformance.ts'
import type { Log } from '../../log.ts'
import { kafkaLogOn } from '../kafka-log.ts'
import { ModelBrokers } from './model-brokers.ts'
import { modelCluster, type Network } from './model-line.ts'
import { scaledClock } from './scaled-clock.ts'

/** So much faster than real time: what waits for the end of a session does not take long. */
const clock = scaledClock(10)

function subject(transactionVersion: 1 | 2): LogSubject {
  return {
    name: `modelled Kafka (transactions of version ${transactionVersion})`,
    // As src/log/kafka/conformance.kafka.test.ts has it.
    capabilities: ['reopen', 'shared', 'members'],
    async start() {
      const random = seededRandom(1)
      const brokers = new ModelBrokers({ clock, random, transactionVersion })
      const network: Network = { brokers, random, delayMsMax: 2, meet: () => null }
      const open = async (): Promise<Log> =>
        kafkaLogOn(
          modelCluster(network, { clock, random }),
          { outOfRange: 'earliest', sessionTimeoutMs: 6_000, heartbeatMs: 100 },
          random,
        )
      return { open, clock: null, maintain: async () => {}, limitMs: 20_000 }
    },
    async stop() {},
  }
}

describe.each([2, 1] as const)('transactions of version %i', (version) => {
  defineLogConformance(test, subject(version))
})
