/** MQTT as a source, on a real broker: what is acknowledged when, and what comes again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, expect } from 'vitest'
import { runSource } from '../../src/connect/source-runner.ts'
import type { SourceEvent, SourceRun } from '../../src/connect/source-runner.ts'
import { mqttSource } from '../../src/connect/sources/mqtt.ts'
import type { MqttPosition, MqttSourceOptions } from '../../src/connect/sources/mqtt.ts'
import { systemClock } from '../../src/core/clock.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { Mosquitto } from './mosquitto.ts'
import { testWith } from './server-test.ts'
import { pause, until, valuesOf } from './wait.ts'

const test = testWith('mosquitto')
const victim = fileURLToPath(new URL('mqtt-victim.ts', import.meta.url))
/** A broker keeps 100 messages of a session by itself, and drops the rest. */
const keepsAll = ['max_queued_messages 0', 'max_inflight_messages 0']

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function startBroker(settings = keepsAll): Promise<Mosquitto> {
  const broker = await Mosquitto.start({ settings })
  closing.push(() => broker.stop())
  return broker
}

async function publisher(broker: Mosquitto, version: 4 | 5 = 5): Promise<MqttClient> {
  const client = await connectAsync(broker.url, { protocolVersion: version, reconnectPeriod: 50 })
  closing.push(() => client.endAsync(true))
  return client
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-mqtt-'))
  closing.push(async () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function sourceOf(broker: Mosquitto, more: Partial<MqttSourceOptions> = {}) {
  return mqttSource({ url: broker.url, topics: 'plant/#', clientId: 'victim', ...more })
}

async function start(
  log: Log,
  source: ReturnType<typeof mqttSource>,
  notify: (event: SourceEvent) => void = () => {},
): Promise<SourceRun<MqttPosition>> {
  const run = await runSource(log, source, {
    topic: 'plant',
    create: { partitions: 2 },
    clock: systemClock,
    attemptsMax: Number.POSITIVE_INFINITY,
    notify,
  })
  closing.push(() => run.stop())
  return run
}

function startVictim(dir: string, broker: Mosquitto, mode = ''): ChildProcess {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', victim, dir, broker.url, mode],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  closing.push(() => ended(child, 'SIGKILL'))
  return child
}

async function ended(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await exit
}

const pubacks = (broker: Mosquitto): number =>
  broker.log.match(/Received PUBACK from victim/g)?.length ?? 0

for (const version of [4, 5] as const) {
  test(`MQTT ${version}: kill -9 before the commit: no PUBACK, and all comes again`, async () => {
    const broker = await startBroker()
    const dir = folder()
    const child = startVictim(dir, broker, 'hold')
    await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
    const client = await publisher(broker, version)
    for (let i = 0; i < 20; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 1 })
    await until(() => broker.log.match(/Sending PUBLISH to victim/g)?.length === 20, 'a receipt')
    await ended(child, 'SIGKILL')
    expect(pubacks(broker)).toBe(0)

    const log = await openEmbeddedLog({ dir })
    closing.push(() => log.close())
    await start(log, sourceOf(broker, { version }))
    await until(async () => (await valuesOf(log, 'plant')).length === 20, 'all of them')
    expect((await valuesOf(log, 'plant')).toSorted()).toEqual(
      Array.from({ length: 20 }, (_, i) => `m${i}`).toSorted(),
    )
    await until(() => pubacks(broker) === 20, 'twenty PUBACKs')
  })
}

test('a commit that waits: no PUBACK before it, all after it, in order', async () => {
  const broker = await startBroker()
  const log = openMemoryLog()
  const gate = Promise.withResolvers<void>()
  const gated = gatedLog(log, gate.promise)
  await start(gated, sourceOf(broker))
  closing.push(async () => gate.resolve()) // before the run is stopped
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
  const client = await publisher(broker)
  await client.publishAsync('plant/a', 'first', { qos: 1 })
  await until(() => broker.log.includes('Sending PUBLISH to victim'), 'a receipt')
  for (let i = 0; i < 30; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 1 })
  await until(() => broker.log.match(/Sending PUBLISH to victim/g)?.length === 31, 'the others')
  expect(pubacks(broker)).toBe(0)
  gate.resolve()
  await until(() => pubacks(broker) === 31, 'the PUBACKs')
  const order = [...broker.log.matchAll(/Received PUBACK from victim \(Mid: (\d+)/g)]
  const sent = [...broker.log.matchAll(/Sending PUBLISH to victim \(d0, q1, r0, m(\d+)/g)]
  expect(order.map(([, id]) => id)).toEqual(sent.map(([, id]) => id))
})

test('no more than the receive maximum is on its way', async () => {
  const broker = await startBroker()
  const gate = Promise.withResolvers<void>()
  const log = openMemoryLog()
  const run = await start(gatedLog(log, gate.promise), sourceOf(broker, { receiveMaximum: 5 }))
  closing.push(async () => gate.resolve()) // before the run is stopped
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
  const client = await publisher(broker)
  for (let i = 0; i < 50; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 1 })
  expect(broker.log.match(/Sending PUBLISH to victim/g)).toHaveLength(5)
  gate.resolve()
  await until(() => run.status().recordCount === 50, 'all of them')
})

test('MQTT 3.1.1 and QoS 0: what is held is bounded, and what comes after that waits', async () => {
  const broker = await startBroker()
  const gate = Promise.withResolvers<void>()
  const log = openMemoryLog()
  const source = sourceOf(broker, { version: 4, qos: 0, receiveMaximum: 5 })
  const run = await start(gatedLog(log, gate.promise), source)
  closing.push(async () => gate.resolve()) // before the run is stopped
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
  const client = await publisher(broker)
  for (let i = 0; i < 500; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 0 })
  await until(() => broker.log.match(/Sending PUBLISH to victim/g)?.length === 500, 'all sent')
  gate.resolve()
  await until(() => run.status().recordCount === 500, 'all of them')
  expect(run.status().commitCount).toBeGreaterThan(50)
})

test('what is published while nobody is connected is there afterwards', async () => {
  const broker = await startBroker()
  const log = openMemoryLog()
  const first = await start(log, sourceOf(broker))
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
  await first.stop()
  const client = await publisher(broker)
  for (let i = 0; i < 300; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 1 })
  const second = await start(log, sourceOf(broker))
  await until(() => second.status().recordCount === 300, 'all of them')
  expect(second.status().position?.messages).toBe(300)
})

test('a session with more than is held at a time is read to its end', async () => {
  const broker = await startBroker()
  const log = openMemoryLog()
  const source = sourceOf(broker, { version: 4, receiveMaximum: 10 })
  const first = await start(log, source)
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
  await first.stop()
  const client = await publisher(broker)
  for (let i = 0; i < 100; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 1 })
  const second = await start(log, source)
  await until(() => second.status().recordCount === 100, 'all of them')
})

test('a broker that goes down in the middle and comes back: nothing is lost', async () => {
  const broker = await startBroker()
  const log = openMemoryLog()
  const events: string[] = []
  const run = await start(log, sourceOf(broker), ({ kind }) => void events.push(kind))
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
  const client = await publisher(broker)
  const publishing = (async () => {
    for (let i = 0; i < 400; i++) await client.publishAsync('plant/a', `m${i}`, { qos: 1 })
  })()
  await until(() => run.status().recordCount > 100, 'a beginning')
  await broker.down()
  await until(() => events.includes('source-retrying'), 'the loss is noticed')
  await broker.up()
  await publishing
  await until(async () => new Set(await valuesOf(log, 'plant')).size === 400, 'all of them')
})

for (const mode of ['', 'dedupe'] as const) {
  const often = mode === '' ? 'at least once' : 'once, with dedupe'
  test(`rounds of kill -9: each message is there ${often}`, { timeout: 120_000 }, async () => {
    const broker = await startBroker()
    const dir = folder()
    const client = await publisher(broker)
    let count = 0
    let isOver = false
    const first = startVictim(dir, broker, mode)
    await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
    const publishing = (async () => {
      for (; !isOver; await pause(1)) {
        await client.publishAsync('plant/a', `m${count++}`, { qos: 1 })
      }
    })()
    await lived(first, 100)
    for (let round = 0; round < 6; round++)
      await lived(startVictim(dir, broker, mode), 40 + round * 60)
    isOver = true
    await publishing
    const last = startVictim(dir, broker, mode)
    const log = await openEmbeddedLog({ dir })
    closing.push(() => log.close())
    const missing = async (): Promise<number> => count - new Set(await valuesOf(log, 'plant')).size
    await until(async () => (await missing()) === 0, 'all of them')
    await ended(last, 'SIGTERM')
    expect(count).toBeGreaterThan(200)
    // The broker has sent some twice: else nothing would be shown.
    expect(broker.log).toContain('Sending PUBLISH to victim (d1')
    if (mode === 'dedupe') expect(await valuesOf(log, 'plant')).toHaveLength(count)
  })
}

test('a wrong password is said, without it; the right one from a file is taken', async () => {
  const broker = await Mosquitto.start({ user: { name: 'mill', password: 'sesame' } })
  closing.push(() => broker.stop())
  const errors: unknown[] = []
  const log = openMemoryLog()
  const wrong = await start(
    log,
    sourceOf(broker, { username: 'mill', password: 'knock-knock' }),
    (event) => void (event.kind === 'source-retrying' && errors.push(event.error)),
  )
  await until(() => errors.length > 1, 'refusals')
  await wrong.stop()
  expect(errors[0]).toMatchObject({ code: 'source-failed' })
  expect(String(errors[0])).toMatch(/[Nn]ot authorized|Bad user/i)
  expect(JSON.stringify(errors) + String(errors[0])).not.toContain('knock-knock')
  const dir = folder()
  const { writeFileSync } = await import('node:fs')
  writeFileSync(join(dir, 'password'), 'sesame\n')
  const password = { file: join(dir, 'password') }
  await start(log, sourceOf(broker, { username: 'mill', password }))
  await until(() => broker.log.includes('Sending SUBACK to victim'), 'a subscription')
})

/** Kills it so long after it says that it runs. */
async function lived(child: ChildProcess, ms: number): Promise<void> {
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  await pause(ms)
  await ended(child, 'SIGKILL')
}

/** Its commits wait for the gate. */
function gatedLog(log: Log, gate: Promise<void>): Log {
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name !== 'open') return typeof value === 'function' ? value.bind(target) : value
      return async (spec: Parameters<Log['open']>[0]) => {
        const session = await log.open(spec)
        const commit = session.commit.bind(session)
        session.commit = async (batch) => {
          await gate
          return await commit(batch)
        }
        return session
      }
    },
  })
}
