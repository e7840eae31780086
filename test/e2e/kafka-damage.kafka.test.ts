/** Batches on a broker's disk that cannot be read: told with their place, never left out. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { crc32c } from '../../src/log/kafka/records/crc32c.ts'
import { brokers, kafkaTest } from '../kafka/broker.ts'
import { KafkaCluster } from '../kafka/cluster.ts'
import { Workspace } from './command.ts'

/** Of its own: its files are changed. */
let cluster: KafkaCluster | null = null
let log = ''

beforeAll(async () => {
  if (brokers.length === 0) return
  cluster = await KafkaCluster.start()
  log = `kafka://${cluster.brokers.join(',')}`
}, 120_000)
afterAll(async () => {
  await cluster?.stop()
})

/** Changes the only batch of a topic where the broker has it. */
function forge(topic: string, change: (batch: Buffer) => void): void {
  const file = join(cluster?.directory ?? '', '1', `${topic}-0`, '00000000000000000000.log')
  const batch = readFileSync(file)
  change(batch)
  writeFileSync(file, batch, { flag: 'r+' })
}

function reading(topic: string): string {
  return `
import { from, string, topic } from 'millrace'
export default from(topic('${topic}', { codec: string() })).print()
`
}

kafkaTest('a compression that is not known is told with its number and place', async () => {
  using space = new Workspace({ limitMs: 60_000 })
  await space.ok(`topics create squeezed --partitions 1 --log ${log}`)
  await space.ok(`produce squeezed --log ${log}`, 'a\nb\n')
  // Codec 6, of attributes at 21; the checksum at 17 is of all from there on.
  forge('squeezed', (batch) => {
    batch.writeInt16BE(batch.readInt16BE(21) | 6, 21)
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  })
  const file = space.write('squeezed.ts', reading('squeezed'))
  const { code, stdout, stderr } = await space.run(['run', file, '--log', log])
  assert.equal(code, 1, stderr)
  assert.ok(!stdout.includes('a\n'), stdout)
  assert.match(stderr, /a batch has compression codec 6/)
  assert.match(stderr, /squeezed\/0@0/)
  assert.match(stderr, /known are none, gzip, snappy, lz4, zstd/)
  const seen = await space.run(['consume', 'squeezed', '--log', log])
  assert.equal(seen.code, 1)
  assert.match(seen.stderr, /a batch has compression codec 6/)
})

kafkaTest('a batch whose bytes have changed is told with its place', async () => {
  using space = new Workspace({ limitMs: 60_000 })
  await space.ok(`topics create spoilt --partitions 1 --log ${log}`)
  await space.ok(`produce spoilt --log ${log}`, 'a\nb\n')
  forge('spoilt', (batch) =>
    batch.writeUInt8(batch.readUInt8(batch.length - 2) ^ 1, batch.length - 2),
  )
  const file = space.write('spoilt.ts', reading('spoilt'))
  const { code, stdout, stderr } = await space.run(['run', file, '--log', log])
  assert.equal(code, 1, stderr)
  assert.ok(!stdout.includes('a\n'), stdout)
  assert.match(stderr, /checksum/)
  assert.match(stderr, /spoilt\/0@0/)
})
