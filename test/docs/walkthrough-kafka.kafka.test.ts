/** The walk-through on Kafka, typed in as it stands there: what it shows is what comes. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { kafkaTest } from '../kafka/broker.ts'
import { isCluster, KafkaCluster } from '../kafka/cluster.ts'
import { blocksOf, readText } from './blocks.ts'
import { Walkthrough } from './walkthrough.ts'

const page = 'docs/walkthrough-kafka.md'
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-tour-')))
let walkthrough: Walkthrough | null = null

afterAll(async () => {
  walkthrough?.close()
  const kafka = join(folder, '.millrace', 'kafka')
  if (isCluster(kafka)) await KafkaCluster.at(kafka).stop()
  rmSync(folder, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

kafkaTest(
  'the walk-through on Kafka shows what the page says',
  async () => {
    const blocks = blocksOf(page, readText(page))
    expect(blocks.filter(({ directive }) => directive === '')).toEqual([])
    walkthrough = new Walkthrough(folder, await freePort())
    for (const block of blocks) await walkthrough.take(block)
    expect(walkthrough.differences).toEqual([])
    expect(walkthrough.steps).toBe(blocks.length)
  },
  180_000,
)
