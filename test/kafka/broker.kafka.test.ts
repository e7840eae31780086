import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { brokers, kafkaTest } from './broker.ts'
import { KafkaCluster } from './cluster.ts'

kafkaTest('the brokers of a test run answer', async () => {
  for (const broker of brokers) {
    const [host = '', port] = broker.split(':')
    const isThere = await new Promise((resolve) => {
      const socket = connect(Number(port), host, () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    expect(isThere).toBe(true)
  }
})

kafkaTest('a cluster that runs is not started a second time on its data', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-twice-'))
  const pid = (): string => readFileSync(join(directory, '1.pid'), 'utf8')
  const cluster = await KafkaCluster.start({ directory })
  try {
    const first = pid()
    await KafkaCluster.start({ directory })
    expect(pid()).toBe(first)
    expect(cluster.isRunning(1)).toBe(true)
  } finally {
    await cluster.stop()
  }
  expect(cluster.isRunning(1)).toBe(false)
  rmSync(directory, { recursive: true, force: true })
})
