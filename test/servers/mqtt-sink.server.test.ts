/** MQTT as a sink, on a real broker. */
import { connectAsync, type IPublishPacket } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { from, json, run, topic } from '../../src/index.ts'
import { mqtt } from '../../src/connect/sinks/mqtt.ts'
import type { MqttSinkOptions } from '../../src/connect/sinks/mqtt.ts'
import { defineSinkConformance } from '../../src/connect/sink.conformance.ts'
import type { ConformanceValue } from '../../src/connect/sink.conformance.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { Log } from '../../src/log/log.ts'
import { MemoryStore } from '../../src/log/memory/memory-store.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { Mosquitto } from './mosquitto.ts'
import { whyNoServer } from './programs.ts'
import { testWith } from './server-test.ts'
import { pause, until, valuesOf } from './wait.ts'

const test = testWith('mosquitto')
const keepsAll = ['max_queued_messages 0']
interface Alarm {
  readonly device: string
  readonly n: number
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function startBroker(): Promise<Mosquitto> {
  const broker = await Mosquitto.start({ settings: keepsAll })
  closing.push(() => broker.stop())
  return broker
}

/** What a subscriber gets, session kept while the broker is away. */
async function listen(broker: Mosquitto, version: 4 | 5) {
  const packets: IPublishPacket[] = []
  const client = await connectAsync(broker.url, {
    protocolVersion: version,
    clientId: 'listener',
    clean: false,
    reconnectPeriod: 20,
    properties: { sessionExpiryInterval: 1_000 },
  })
  closing.push(() => client.endAsync(true))
  client.on('message', (_, __, packet) => void packets.push(packet))
  await client.subscribeAsync('alarms/#', { qos: 1 })
  return packets
}

async function deliver(broker: Mosquitto, more: Partial<MqttSinkOptions<Alarm, unknown>> = {}) {
  const log = openMemoryLog()
  const alarms = topic('alarms', { codec: json<Alarm>(), key: ({ device }) => device })
  await log.createTopic('alarms', { partitions: 1 })
  const sink = mqtt<Alarm>({
    url: broker.url,
    topic: (alarm) => `alarms/${alarm.device}`,
    backoff: '10ms',
    ...more,
  })
  const running = await run(from(alarms).to(sink), { log, signals: false, notify: () => {} })
  closing.push(() => running.stop())
  return { log, running }
}

async function produce(log: Log, count: number, first = 0): Promise<void> {
  const builder = new BatchBuilder()
  for (let n = first; n < first + count; n++) {
    const device = `d${n % 3}`
    builder.add(device, JSON.stringify({ device, n }), n)
  }
  await log.append([{ topic: 'alarms', partition: 0, bytes: builder.finish() }])
}

let conformance: { readonly broker: Mosquitto; packets: IPublishPacket[] } | null = null
beforeAll(async () => {
  if (whyNoServer('mosquitto') !== null) return
  conformance = { broker: await Mosquitto.start({ settings: keepsAll }), packets: [] }
})
afterAll(async () => {
  await conformance?.broker.stop()
})

defineSinkConformance(test, {
  name: 'mqtt',
  sink: () =>
    mqtt({
      name: 's',
      url: conformance?.broker.url ?? 'mqtt://127.0.0.1:1',
      topic: (value) => ((value as ConformanceValue).isBad ? '#' : 'alarms/a'),
      retries: 2,
      backoff: '10ms',
      backoffMax: '50ms',
      timeout: '2s',
    }),
  begin: async () => {
    if (conformance !== null) conformance.packets = await listen(conformance.broker, 5)
  },
  arrived: async () => {
    await pause(100) // on their way from the broker to the listener
    const packets = conformance?.packets ?? []
    return packets.map(({ payload }) => JSON.parse(payload.toString()) as ConformanceValue)
  },
  outage: {
    stop: async () => await conformance?.broker.down(),
    start: async () => await conformance?.broker.up(),
  },
  refuses: true,
  knowsIds: false,
  newLog: () => {
    const store = new MemoryStore()
    return () => openMemoryLog({ store })
  },
})

for (const version of [4, 5] as const) {
  test(`MQTT ${version}: each record is published, those of a key in order`, async () => {
    const broker = await startBroker()
    const packets = await listen(broker, version)
    const { log } = await deliver(broker, { version })
    await produce(log, 300)
    await until(() => packets.length === 300, 'all of them')
    for (const device of ['d0', 'd1', 'd2']) {
      const numbers = packets
        .filter(({ topic: to }) => to === `alarms/${device}`)
        .map(({ payload }) => (JSON.parse(payload.toString()) as Alarm).n)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      expect(numbers).toHaveLength(100)
    }
    const ids = packets.map(({ properties }) => properties?.userProperties?.['idempotency-key'])
    expect(new Set(ids).size).toBe(version === 5 ? 300 : 1)
  })
}

test('a broker that goes down in the middle of the delivery: nothing is lost', async () => {
  const broker = await startBroker()
  const packets = await listen(broker, 5)
  const { log, running } = await deliver(broker)
  await produce(log, 2_000)
  await until(() => packets.length > 0, 'a beginning')
  await broker.down()
  await produce(log, 2_000, 2_000)
  await until(() => running.deliveries()[0]?.state === 'away', 'the loss is noticed')
  await broker.up()
  const seen = (): number => new Set(packets.map(({ payload }) => payload.toString())).size
  await until(() => seen() === 4_000, 'all of them', 30_000)
  expect(running.deliveries()[0]?.dead).toBe(0)
})

test('a record of which no message can be made is a dead letter, and others go on', async () => {
  const broker = await startBroker()
  const packets = await listen(broker, 5)
  const { log } = await deliver(broker, {
    topic: ({ n }) => (n === 5 ? 'alarms/#' : `alarms/${n}`),
  })
  await produce(log, 10)
  await until(() => packets.length === 9, 'the others')
  await until(async () => (await valuesOf(log, 'main.mqtt.outbox.dead')).length === 1, 'a letter')
})

test('retained: who subscribes later gets the newest; QoS 0 is sent', async () => {
  const broker = await startBroker()
  const { log, running } = await deliver(broker, { retain: true, qos: 0 })
  await produce(log, 30)
  await until(() => running.deliveries()[0]?.delivered === 30, 'all of them')
  const packets = await listen(broker, 5)
  await until(() => packets.length === 3, 'one of each topic')
  const numbers = packets.map(({ payload }) => (JSON.parse(payload.toString()) as Alarm).n)
  expect(numbers.toSorted((a, b) => a - b)).toEqual([27, 28, 29])
})
