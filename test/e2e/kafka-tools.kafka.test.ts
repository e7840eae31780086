/** Beside Kafka's own tools: what either writes, the other reads; keys go where Java puts them. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createAdmin } from '../../src/log/kafka/admin/admin.ts'
import { openTransactionalProducer } from '../../src/log/kafka/produce/transactional-producer.ts'
import { connectCluster } from '../../src/log/kafka/wire/connect-cluster.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import { brokers, kafkaTest } from '../kafka/broker.ts'
import { KafkaCluster } from '../kafka/cluster.ts'
import { Workspace } from './command.ts'

/** Of its own: Kafka's tools are its neighbours. */
let cluster: KafkaCluster
const folder = new Workspace()

beforeAll(async () => {
  if (brokers.length > 0) cluster = await KafkaCluster.start()
}, 120_000)
afterAll(async () => {
  folder[Symbol.dispose]()
  await cluster?.stop()
})

const log = (): string[] => ['--log', `kafka://${cluster.brokers.join(',')}`]

async function millrace(args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await folder.run([...args, ...log()], input)
  assert.equal(code, 0, stderr)
  return stdout
}

interface Shown {
  readonly partition: number
  readonly key: string | null
  readonly value: string | null
  readonly time: number
}

async function consume(topic: string): Promise<Shown[]> {
  const lines = (await millrace(['consume', topic, '--json'])).trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Shown)
}

function tool(name: string, args: readonly string[], input = ''): string {
  const address = ['--bootstrap-server', cluster.brokers.join(',')]
  const run = cluster.tool(`org.apache.kafka.tools.${name}`, [...address, ...args], input)
  assert.equal(run.status, 0, run.stdout)
  return run.stdout
}

function write(topic: string, properties: readonly string[], input: string): void {
  const each = ['parse.key=true', 'key.separator=:', ...properties]
  const args = each.flatMap((one) => ['--reader-property', one])
  tool('ConsoleProducer', ['--topic', topic, ...args], input)
}

/** `CreateTime:MS  headers  key  value`, separated by tabs, a line a record. */
function read(topic: string, isolation: 'read_committed' | 'read_uncommitted', max: number) {
  const properties = ['print.key=true', 'print.headers=true', 'print.timestamp=true']
  const shown = properties.flatMap((one) => ['--formatter-property', one])
  const wanted = ['--command-property', `isolation.level=${isolation}`]
  const limits = ['--from-beginning', '--max-messages', String(max), '--timeout-ms', '20000']
  const args = ['--topic', topic, ...limits, ...wanted, ...shown]
  const text = tool('consumer.ConsoleConsumer', args)
  return text.split('\n').filter((line) => line.startsWith('CreateTime'))
}

kafkaTest(
  'L7 keys go to the partitions where Java puts them: short, long, empty, of any script',
  async () => {
    await millrace(['topics', 'create', 'placed', '--partitions', '7'])
    const some = ['', 'a', 'zürich', '東京', '😀', 'e\u0301', ' ', 'x'.repeat(300), 'ÿ\u0080']
    const keys = [...some, ...Array.from({ length: 60 }, (_, i) => `key-${i * 7919}`)]
    write('placed', [], keys.map((key) => `${key}:java\n`).join(''))
    const lines = keys.map((key) => `${key}:ours\n`).join('')
    await millrace(['produce', 'placed', '--key-separator', ':'], lines)
    const records = await consume('placed')
    const placed = (writer: string): [string | null, number][] =>
      records
        .filter(({ value }) => value === writer)
        .map(({ key, partition }): [string | null, number] => [key, partition])
        .toSorted(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1))
    assert.equal(placed('java').length, keys.length)
    assert.ok(new Set(placed('java').map(([, partition]) => partition)).size === 7)
    assert.deepEqual(placed('ours'), placed('java'))
  },
  120_000,
)

kafkaTest(
  'records without a key or a value, and their times, are read as they were written',
  async () => {
    await millrace(['topics', 'create', 'nulls', '--partitions', '1'])
    const beforeMs = systemClock.now()
    write('nulls', ['null.marker=NULL'], 'NULL:no key\ngone:NULL\n:\n')
    const records = await consume('nulls')
    assert.deepEqual(
      records.map(({ key, value }) => [key, value]),
      [
        [null, 'no key'],
        ['gone', null],
        ['', ''],
      ],
    )
    for (const { time } of records) assert.ok(time >= beforeMs && time <= systemClock.now())
  },
  120_000,
)

const pipeline = `import { from, topic } from 'millrace'
const cities = topic('cities', { key: (each) => each.city })
export default from(cities)
  .map(({ city, n }) => ({ city, twice: 2 * n }))
  .to(topic('twice', { key: (each) => each.city }))
`

kafkaTest(
  'what an exactly-once pipeline writes is read with isolation.level=read_committed',
  async () => {
    for (const name of ['cities', 'twice']) {
      await millrace(['topics', 'create', name, '--partitions', '2'])
    }
    write('cities', [], 'zürich:{"city":"zürich","n":3}\noslo:{"city":"oslo","n":4}\nx:no JSON\n')
    folder.write('twice.ts', pipeline)
    const running = folder.start('run', 'twice.ts', ...log())
    await running.until(({ stderr }) => stderr.includes('runs on'), 'the start')
    const twice = read('twice', 'read_committed', 2)
    const letters = read('cities.dead', 'read_committed', 1)
    const { code, stderr } = await running.kill('SIGINT')
    assert.equal(code, 0, stderr)
    const times = new Map((await consume('cities')).map(({ key, time }) => [key, time]))
    assert.deepEqual(
      twice.toSorted(),
      [
        `CreateTime:${times.get('oslo')}\tNO_HEADERS\toslo\t{"city":"oslo","twice":8}`,
        `CreateTime:${times.get('zürich')}\tNO_HEADERS\tzürich\t{"city":"zürich","twice":6}`,
      ].toSorted(),
    )
    assert.match(letters[0] ?? '', /^CreateTime:\d+\t.*reason:decode-failed.*\tx\tno JSON$/)
  },
  120_000,
)

kafkaTest(
  'aborted records are not seen; keys, headers and times of committed ones are',
  async () => {
    await millrace(['topics', 'create', 'aborts', '--partitions', '1'])
    const own = await connectCluster({ brokers: cluster.brokers, clock: systemClock })
    const admin = createAdmin({ cluster: own, clock: systemClock })
    const producer = await openTransactionalProducer({
      cluster: own,
      compression: 'none',
      limits: (name) => admin.limits(name),
      transactionalId: 'kafka-tools/main',
      waitFor: 'markers',
    })
    const appendsOf = (value: string) => {
      const bytes = (text: string): Uint8Array => Buffer.from(text)
      const builder = new BatchBuilder()
      const headers = [{ name: 'wer', value: bytes('jürg') }]
      builder.add(bytes('schlüssel'), bytes(value), 1_600_000_000_123, headers)
      return [{ topic: 'aborts', partition: 0, bytes: builder.finish() }]
    }
    const fail = (): never => {
      throw new Error('the caller gives up')
    }
    const aborted = producer.commit({ appends: appendsOf('aborted'), offsets: fail })
    await assert.rejects(aborted, /gives up/)
    await producer.commit({ appends: appendsOf('kept'), offsets: () => [] })
    await producer.close()
    await own.close()
    const line = (value: string): string =>
      `CreateTime:1600000000123\twer:jürg\tschlüssel\t${value}`
    assert.deepEqual(read('aborts', 'read_committed', 1), [line('kept')])
    const all = [line('aborted'), line('kept')]
    assert.deepEqual(read('aborts', 'read_uncommitted', 2), all, 'they are in the topic')
    const ours = (await consume('aborts')).map(({ value }) => value)
    assert.deepEqual(ours, ['kept'])
  },
  120_000,
)
