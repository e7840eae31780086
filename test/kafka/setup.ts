/**
 * One broker for all tests that need one. MILLRACE_TEST_KAFKA=host:port[,host:port] names brokers
 * that run already. Where none can be started the tests are skipped and say why;
 * MILLRACE_REQUIRE_KAFKA=1 (CI) makes that a failure.
 */
import type { TestProject } from 'vitest/node'
import { KafkaCluster } from './cluster.ts'
import { whyNoKafka } from './jars.ts'

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const given = process.env['MILLRACE_TEST_KAFKA'] ?? ''
  if (given !== '') {
    project.provide('kafkaBrokers', given)
    project.provide('kafkaMissing', '')
    return
  }
  const why = whyNoKafka()
  if (why !== null) {
    if (process.env['MILLRACE_REQUIRE_KAFKA'] === '1') throw new Error(`Kafka tests: ${why}`)
    process.stderr.write(`Kafka tests are skipped: ${why}\n`)
    project.provide('kafkaBrokers', '')
    project.provide('kafkaMissing', why)
    return
  }
  const cluster = await KafkaCluster.start()
  project.provide('kafkaBrokers', cluster.brokers.join(','))
  project.provide('kafkaMissing', '')
  return () => cluster.stop()
}
