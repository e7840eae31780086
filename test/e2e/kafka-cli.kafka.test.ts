import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { brokers, kafkaTest } from '../kafka/broker.ts'
import { KafkaCluster } from '../kafka/cluster.ts'

const program = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url))
/** Of its own: Kafka's tools are its neighbours. */
let cluster: KafkaCluster | null = null

beforeAll(async () => {
  if (brokers.length > 0) cluster = await KafkaCluster.start()
}, 120_000)
afterAll(async () => {
  await cluster?.stop()
})

async function millrace(args: readonly string[], input = ''): Promise<string> {
  const log = `kafka://${(cluster?.brokers ?? []).join(',')}`
  const child = spawn(process.execPath, [program, ...args, '--log', log])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += String(chunk)))
  }
  child.stdin.end(input)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  assert.equal(code, 0, output)
  return output
}

function tool(name: string, args: readonly string[], input = ''): string {
  const address = ['--bootstrap-server', cluster?.brokers.join(',') ?? '']
  const { stdout, status } = (cluster as KafkaCluster).tool(
    `org.apache.kafka.tools.${name}`,
    [...address, ...args],
    input,
  )
  assert.equal(status, 0, stdout)
  return stdout
}

kafkaTest(
  "what Kafka's console producer writes is read, and the other way round",
  async () => {
    await millrace(['topics', 'create', 'both', '--partitions', '3'])
    const properties = ['parse.key=true', 'key.separator=:', 'parse.headers=true'].flatMap(
      (one) => ['--reader-property', one],
    )
    const lines = 'h1:v1,h2:v2\tamsterdam:from java ä\n'
    tool('ConsoleProducer', ['--topic', 'both', ...properties], lines)
    await millrace(['produce', 'both', '--key', 'k'], '{"k":"amsterdam","v":"ö"}\n')
    const read = await millrace(['consume', 'both', '--json'])
    const records = read
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { partition: number; key: string; value: string })
    assert.deepEqual(
      records.map(({ key, value }) => [key, value]),
      [
        ['amsterdam', 'from java ä'],
        ['amsterdam', '{"k":"amsterdam","v":"ö"}'],
      ],
    )
    assert.equal(records[0]?.partition, records[1]?.partition, 'one key, one partition')
    const format = ['print.key=true', 'print.headers=true', 'print.timestamp=true'].flatMap(
      (one) => ['--formatter-property', one],
    )
    const isolation = ['--command-property', 'isolation.level=read_committed']
    const limits = ['--from-beginning', '--max-messages', '2', '--timeout-ms', '20000']
    const seen = tool('consumer.ConsoleConsumer', [
      '--topic',
      'both',
      ...limits,
      ...isolation,
      ...format,
    ])
    assert.match(seen, /CreateTime:\d+\th1:v1,h2:v2\tamsterdam\tfrom java ä/)
    assert.match(seen, /CreateTime:\d+\tNO_HEADERS\tamsterdam\t{"k":"amsterdam","v":"ö"}/)
  },
  120_000,
)

kafkaTest(
  'groups and status show what Kafka has',
  async () => {
    await millrace(['topics', 'create', 'grouped', '--partitions', '1'])
    await millrace(['produce', 'grouped'], 'a\nb\nc\n')
    assert.equal(await millrace(['consume', 'grouped', '--group', 'g', '--max', '2']), 'a\nb\n')
    assert.match(await millrace(['groups', 'list']), /g +grouped +1 +-/)
    assert.match(await millrace(['status']), /brokers 127\.0\.0\.1:\d+/)
    const kafka = tool('consumer.group.ConsumerGroupCommand', ['--describe', '--group', 'g'])
    assert.match(kafka, /grouped +0 +2 +3 +1/)
  },
  120_000,
)

kafkaTest(
  "Java's default partitioner puts every key where Millrace does",
  async () => {
    await millrace(['topics', 'create', 'keyed', '--partitions', '7'])
    const keys = Array.from({ length: 60 }, (_, i) => `${'ä€k'.repeat(i % 4)}${i * 7919}`)
    const properties = ['parse.key=true', 'key.separator=:'].flatMap((one) => [
      '--reader-property',
      one,
    ])
    const java = keys.map((key) => `${key}:java\n`).join('')
    tool('ConsoleProducer', ['--topic', 'keyed', ...properties], java)
    const ours = keys.map((key) => `${JSON.stringify({ k: key })}\n`).join('')
    await millrace(['produce', 'keyed', '--key', 'k'], ours)
    const places = new Map<string, Set<number>>()
    for (const line of (await millrace(['consume', 'keyed', '--json'])).trim().split('\n')) {
      const { key, partition } = JSON.parse(line) as { key: string; partition: number }
      places.set(key, (places.get(key) ?? new Set()).add(partition))
    }
    assert.equal(places.size, keys.length)
    for (const [key, partitions] of places) assert.equal(partitions.size, 1, key)
    assert.equal(new Set([...places.values()].flatMap((one) => [...one])).size, 7)
    // Written in a transaction, whose marker has the last offset of each.
    const last = await millrace(['consume', 'keyed', '--from', '-1'])
    assert.equal(last.trim().split('\n').length, 7)
  },
  120_000,
)
