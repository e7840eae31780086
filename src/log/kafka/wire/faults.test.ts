/** What a connection does when the broker, or the way to it, fails. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, test } from 'vitest'
import { systemClock as clock } from '../../../core/clock.ts'
import { MillraceError, isCode } from '../../../core/error.ts'
import type { ErrorCode } from '../../../core/error.ts'
import { api } from './api.ts'
import type { Cluster } from './cluster.ts'
import { connectCluster } from './connect-cluster.ts'
import type { ConnectOptions } from './connect-cluster.ts'
import { apiVersions } from './requests/api-versions.ts'
import { FakeBroker, ping } from './test-broker.ts'
import type { Asked, Behaviour } from './test-broker.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

async function brokerOf(): Promise<FakeBroker> {
  const broker = await FakeBroker.start()
  open.push({ close: () => broker.stop() })
  return broker
}

async function connect(
  brokers: readonly FakeBroker[],
  options: Partial<ConnectOptions> = {},
): Promise<Cluster> {
  const places = brokers.map(({ place }) => place)
  const cluster = await connectCluster({
    brokers: places,
    clock,
    requestTimeoutMs: 5_000,
    ...options,
  })
  open.push(cluster)
  return cluster
}

const node = { node: 1 } as const

/** `Promise.allSettled`, as short texts. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(calls)
  return settled.map((one) => {
    if (one.status === 'fulfilled') return String(one.value)
    assert.ok(one.reason instanceof MillraceError, String(one.reason))
    return `${one.reason.code} ${one.reason.outcome}`
  })
}

const lost = 'log-unreachable unknown'

/** Garbage that the library reads as a frame too short for its header: it throws on that. */
const shortFrame = Buffer.from([0, 0, 0, 1, 7])
const faults: readonly (readonly [title: string, Behaviour])[] = [
  ['half an answer, then the end', 'half'],
  ['a reset', 'reset'],
  ['the end', 'close'],
  ['an answer to a question never asked', Buffer.from([0, 0, 0, 5, 9, 9, 9, 9, 0])],
  ['a frame of one byte', shortFrame],
  ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2])],
  ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
]

test.each(faults)(
  'after %s all that wait are told, and the next goes by a new connection',
  async (_title, fault) => {
    const broker = await brokerOf()
    broker.behave = ({ number }) => (number === 3 ? fault : number === 0 ? 'answer' : null)
    const cluster = await connect([broker], {
      requestTimeoutMs: fault instanceof Buffer ? 400 : 5_000,
    })
    await cluster.brokers()
    const calls = [1, 2, 3].map((number) => cluster.send(node, ping, number))
    assert.deepEqual(await outcomes(calls), [lost, lost, lost])
    broker.behave = () => 'answer'
    const before = broker.connectionCount
    assert.equal(await cluster.send(node, ping, 4), 4)
    assert.equal(broker.connectionCount, before + 1)
    // Nothing was sent a second time by itself.
    const numbers = broker.asked.filter(({ key }) => key === ping.key).map(({ number }) => number)
    assert.deepEqual(numbers, [1, 2, 3, 4])
  },
)

test('one request without an answer ends its connection, and no other', async () => {
  const broker = await brokerOf()
  broker.behave = ({ number }) => (number < 10 ? 'answer' : null)
  const cluster = await connect([broker], { requestTimeoutMs: 300 })
  await cluster.send(node, ping, 1, { purpose: 'fetch' })
  await cluster.send(node, ping, 1, { purpose: 'produce' })
  const fetches = [10, 11].map((number) => cluster.send(node, ping, number, { purpose: 'fetch' }))
  const other = cluster.send(node, ping, 12, { purpose: 'heartbeat', timeoutMs: 10_000 })
  other.catch(() => {})
  await assert.rejects(Promise.any(fetches), (error) => {
    assert.ok(error instanceof AggregateError)
    const texts = error.errors.map(String)
    assert.match(String(texts), /no answer to Ping within 300 ms/)
    return texts.length === 2
  })
  assert.equal(await cluster.send(node, ping, 2, { purpose: 'produce' }), 2)
  assert.equal(await Promise.race([other, Promise.resolve('waits')]), 'waits')
  const used = broker.asked.filter(({ number }) => number > 0)
  const of = (number: number): number | undefined =>
    used.find((one) => one.number === number)?.connection
  assert.equal(of(10), of(11))
  assert.notEqual(of(10), of(12))
  assert.notEqual(of(10), of(2))
})

test('a request may be given less time, or more', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker], { requestTimeoutMs: 200 })
  await cluster.brokers()
  broker.behave = ({ number }) => (number === 0 ? 'answer' : null)
  const began = clock.monotonic()
  const long = cluster.send(node, ping, 1, { purpose: 'join', timeoutMs: 700 })
  await assert.rejects(cluster.send(node, ping, 2, { timeoutMs: 50 }), /within 50 ms/)
  assert.ok(clock.monotonic() - began < 190)
  await assert.rejects(long, /within 700 ms/)
})

test('lanes and purposes have connections of their own', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker])
  await cluster.send(node, ping, 1, { purpose: 'fetch', lane: 0 })
  await cluster.send(node, ping, 2, { purpose: 'fetch', lane: 1 })
  await cluster.send(node, ping, 3, { purpose: 'fetch', lane: 0 })
  await cluster.send(node, ping, 4, { purpose: 'produce', lane: 0 })
  const pings = broker.asked.filter(({ key }) => key === ping.key)
  const [a, b, c, d] = pings.map(({ connection }) => connection)
  assert.equal(a, c)
  assert.equal(new Set([a, b, d]).size, 3)
})

test('requests are sent in the order of the calls, also before there is a connection', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker])
  await cluster.brokers()
  const calls: Promise<number>[] = []
  for (let number = 1; number <= 50; number++) {
    calls.push(cluster.send(node, ping, number, { purpose: 'produce' }))
    if (number % 5 === 0) await clock.nextTurn()
  }
  await Promise.all(calls)
  const numbers = broker.asked.filter(({ key }) => key === ping.key).map(({ number }) => number)
  assert.deepEqual(
    numbers,
    calls.map((_call, i) => i + 1),
  )
})

test('every connection asks first what the broker can do', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker])
  await cluster.send(node, ping, 1, { purpose: 'fetch' })
  const first = new Map<number, Asked>()
  for (const asked of broker.asked) {
    if (!first.has(asked.connection)) first.set(asked.connection, asked)
  }
  assert.equal(first.size, 2)
  for (const asked of first.values()) assert.equal(asked.key, apiVersions.key)
  const features = await cluster.features()
  assert.deepEqual([features.versionMax(ping.key), features.versionMax(77)], [3, -1])
  assert.equal(features.level('transaction.version'), 0)
})

test.each([
  [[1_000, 2, 3], /Ping is needed in version 1, broker .* offers 2 to 3/, /newer/],
  [[1_000, 0, 0], /Ping is needed in version 1, broker .* offers 0 to 0/, /3\.9/],
  [[1_001, 0, 0], /Ping is needed in version 1, broker .* does not know it/, /3\.9/],
] as const)(
  'a broker that offers %o is refused before anything is sent',
  async (offer, message, hint) => {
    const broker = await brokerOf()
    broker.versions = [...broker.versions.filter(([key]) => key !== ping.key), offer]
    const cluster = await connect([broker])
    await assert.rejects(cluster.send(node, ping, 1), (error) => {
      assert.ok(isCode(error, 'log-unsupported'))
      assert.match(error.message, message)
      assert.match(String(error.hint), hint)
      return true
    })
    assert.equal(broker.count(ping.key), 0)
  },
)

test('a broker that is too old to say what it can is refused', async () => {
  const broker = await brokerOf()
  broker.versionsCode = 35
  const cluster = await connect([broker])
  await assert.rejects(cluster.brokers(), (error) => isCode(error, 'log-unsupported'))
})

test('an answer that makes no sense fails its request and ends the connection', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker])
  const greedy = api<number, number>({
    ...ping,
    read: (reader) => reader.readInt32() + Number(reader.readInt64()),
  })
  assert.deepEqual(await outcomes([cluster.send(node, greedy, 1)]), ['log-failed unknown'])
  assert.equal(await cluster.send(node, ping, 2), 2)
})

test('a request that cannot be written fails alone', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker])
  await cluster.send(node, ping, 1)
  const waiting = cluster.send(node, ping, 2)
  const unwritable = api<number, number>({
    ...ping,
    write: () => {
      throw new RangeError('too large')
    },
  })
  await assert.rejects(cluster.send(node, unwritable, 3), RangeError)
  assert.equal(await waiting, 2)
  assert.equal(await cluster.send(node, ping, 4), 4)
  assert.equal(new Set(broker.asked.map(({ connection }) => connection)).size, 1)
})

test('a connection that ends while nothing waits is no failure', async () => {
  const broker = await brokerOf()
  const events: unknown[] = []
  const cluster = await connect([broker], { notify: (event) => events.push(event) })
  await cluster.send(node, ping, 1)
  const port = broker.port
  await broker.stop()
  const again = await FakeBroker.start(port)
  open.push({ close: () => again.stop() })
  await clock.nextTurn()
  await clock.nextTurn()
  assert.equal(await cluster.send(node, ping, 2), 2)
  assert.deepEqual(events, [])
})

test('a broker that takes the connection and says nothing is given up', async () => {
  const broker = await brokerOf()
  broker.behave = () => null
  const cluster = await connect([broker], { requestTimeoutMs: 150 })
  await assert.rejects(cluster.brokers(), (error) => {
    assert.ok(isCode(error, 'log-unreachable') && error.outcome === 'not-applied')
    return /no connection for Metadata|no answer to ApiVersions/.test(error.message)
  })
})

test('close tells all that wait, and all that come', async () => {
  const broker = await brokerOf()
  const cluster = await connect([broker])
  await cluster.brokers()
  broker.behave = ({ number }) => (number === 0 ? 'answer' : null)
  const waiting = [
    cluster.send(node, ping, 1),
    cluster.send(node, ping, 2, { purpose: 'join', timeoutMs: 60_000 }),
    cluster.send({ group: 'g' }, ping, 3),
    cluster.topics(['a'], { fresh: true }),
  ]
  const settled = outcomes(waiting)
  await cluster.close()
  for (const text of await settled) assert.match(text, /^log-closed /)
  const later = [
    cluster.send('any', ping, 1),
    cluster.brokers(),
    cluster.clusterId(),
    cluster.features(),
    cluster.topics([]),
    cluster.allTopics(),
  ]
  assert.deepEqual(new Set(await outcomes(later)), new Set(['log-closed not-applied']))
  await cluster.close()
})

test('close ends a pause and an attempt to connect', async () => {
  const broker = await brokerOf()
  await broker.stop()
  const cluster = await connect([broker])
  for (let i = 0; i < 5; i++) await assert.rejects(cluster.brokers())
  const waiting = outcomes([cluster.brokers()])
  const began = clock.monotonic()
  await cluster.close()
  assert.deepEqual(await waiting, ['log-closed not-applied'])
  assert.ok(clock.monotonic() - began < 300)
})

test('a process that has closed the cluster ends by itself', async () => {
  const broker = await brokerOf()
  broker.behave = ({ number }) => (number === 0 ? 'answer' : null)
  const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
  const program = `
    import { connectCluster } from ${JSON.stringify(here('connect-cluster.ts'))}
    import { systemClock } from ${JSON.stringify(here('../../../core/clock.ts'))}
    import { ping } from ${JSON.stringify(here('test-broker.ts'))}
    const brokers = [process.argv[1], '127.0.0.1:1']
    const cluster = await connectCluster({ brokers, clock: systemClock })
    const codes = []
    const note = (error) => codes.push(error.code)
    await cluster.brokers()
    cluster.send({ node: 1 }, ping, 1).catch(note)
    cluster.send({ node: 1 }, ping, 2, { purpose: 'join' }).catch(note)
    cluster.forget({ topic: 'a' })
    cluster.topics(['a']).then(() => cluster.topics(['a'])).catch(note)
    await new Promise((resolve) => setImmediate(resolve))
    await cluster.close()
    console.log(codes.join())
  `
  const child = spawn(process.execPath, [
    '--input-type=module-typescript',
    '-e',
    program,
    broker.place,
  ])
  const limit = clock.after(15_000, () => child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (out += text.toString()))
  const status = await new Promise((resolve) => child.once('exit', resolve))
  limit()
  assert.equal(status, 0, out)
  const codes: ErrorCode[] = ['log-closed', 'log-closed', 'log-closed']
  assert.equal(out.trim(), codes.join())
})
