import assert from 'node:assert/strict'
import { afterEach, test } from 'vitest'
import { systemClock as clock } from '../../../core/clock.ts'
import { MillraceError, isCode } from '../../../core/error.ts'
import type { Cluster } from './cluster.ts'
import { connectCluster } from './connect-cluster.ts'
import type { ClusterEvent, ConnectOptions } from './connect-cluster.ts'
import { errorCode } from './error-codes.ts'
import { findCoordinator } from './requests/find-coordinator.ts'
import { metadata } from './requests/metadata.ts'
import { FakeBroker, ping } from './test-broker.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

async function brokers(count: number): Promise<FakeBroker[]> {
  const all = await Promise.all(Array.from({ length: count }, () => FakeBroker.start()))
  const members = all.map(({ port }, i) => ({ node: i + 1, port }))
  for (const broker of all) {
    broker.brokers = members
    open.push({ close: () => broker.stop() })
  }
  return all
}

async function connect(
  some: readonly FakeBroker[],
  options: Partial<ConnectOptions> = {},
): Promise<Cluster> {
  const places = some.map(({ place }) => place)
  const cluster = await connectCluster({
    brokers: places,
    clock,
    requestTimeoutMs: 2_000,
    ...options,
  })
  open.push(cluster)
  return cluster
}

function unreachable(error: unknown): boolean {
  return isCode(error, 'log-unreachable')
}

test.each([
  [[], /empty/],
  [['nowhere'], /'nowhere' is no broker/],
  [['a:b@c:1'], /an address with a user in it/],
  [['a:65536'], /'a:65536'/],
] as const)('brokers %o are refused', async (list, says) => {
  await assert.rejects(connectCluster({ brokers: list, clock }), (error) => {
    assert.ok(isCode(error, 'invalid-argument'))
    assert.match(error.message, says)
    return true
  })
})

test.each<[Partial<ConnectOptions>, string, RegExp]>([
  [{ tls: { ca: '/no/such/file.pem' } }, 'file-not-found', /tls\.ca .*ENOENT \(\/no\/such/],
  [{ tls: { key: 'MIIEsecret/key', cert: '/no/cert' } }, 'file-not-found', /tls\.cert/],
  [{ tls: { key: 'x' } }, 'invalid-argument', /tls\.key is without tls\.cert/],
  [{ tls: { ca: '-----BEGIN CERTIFICATE-----\nnone\n' } }, 'invalid-argument', /cannot be used/],
  [{ sasl: { mechanism: 'plain', username: '', password: 'x' } }, 'invalid-argument', /username/],
  [{ sasl: { mechanism: 'plain', username: 'x', password: '' } }, 'invalid-argument', /password/],
  [{ sasl: { mechanism: 'oauthbearer', token: '' } }, 'invalid-argument', /token/],
])('security %o is refused at once', async (options, code, says) => {
  await assert.rejects(connectCluster({ brokers: ['a:1'], clock, ...options }), (error) => {
    assert.ok(error instanceof MillraceError)
    assert.equal(error.code, code)
    assert.match(error.message, says)
    assert.doesNotMatch(error.message, /MIIE/)
    return true
  })
})

test.each<[string, () => Promise<string>, RegExp]>([
  ['fails', () => Promise.reject(new Error('no token today')), /failed: no token today/],
  ['gives nothing', () => Promise.resolve(null as unknown as string), /gave no text/],
  ['never answers', () => new Promise(() => {}), /gave nothing within 100 ms/],
])('a function for a token that %s is no refusal by the broker', async (_title, token, says) => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  const sasl = { mechanism: 'oauthbearer', token } as const
  const cluster = await connect([broker], { sasl, requestTimeoutMs: 100 })
  const link = cluster.send('any', ping, 1, { timeoutMs: 2_000 })
  await assert.rejects(link, (error) => {
    assert.ok(isCode(error, 'log-unreachable') && error.outcome === 'not-applied')
    assert.match(error.message, says)
    return true
  })
})

test('any of the bootstrap list leads to the cluster', async () => {
  const [first, second] = (await brokers(2)) as [FakeBroker, FakeBroker]
  await first.stop()
  const cluster = await connect([first, second])
  assert.equal(cluster.place, `${first.place},${second.place}`)
  assert.deepEqual(
    (await cluster.brokers()).map(({ node }) => node),
    [1, 2],
  )
  assert.equal(await cluster.clusterId(), 'cluster-1')
})

test('the bootstrap list is asked again when no broker that is known answers', async () => {
  const [lasting, moving] = (await brokers(2)) as [FakeBroker, FakeBroker]
  lasting.brokers = [{ node: 7, port: moving.port }]
  moving.brokers = lasting.brokers
  const cluster = await connect([lasting])
  assert.equal(await cluster.send({ node: 7 }, ping, 5), 5)
  assert.equal(moving.count(ping.key), 1)
  await moving.stop()
  await assert.rejects(cluster.send({ node: 7 }, ping, 6), unreachable)
  // It has come back somewhere else.
  const [moved] = (await brokers(1)) as [FakeBroker]
  lasting.brokers = [{ node: 7, port: moved.port }]
  assert.equal(await cluster.send({ node: 7 }, ping, 7), 7)
  assert.equal(moved.count(ping.key), 1)
})

test('a broker that the cluster does not name is unreachable', async () => {
  const cluster = await connect(await brokers(1))
  await assert.rejects(cluster.send({ node: 9 }, ping, 1), /broker 9 is not in the cluster/)
})

test('a request that may have been sent goes to no other broker; a question does', async () => {
  const all = await brokers(2)
  for (const broker of all) broker.behave = ({ number }) => (number === 1 ? 'reset' : 'answer')
  const cluster = await connect(all)
  await assert.rejects(cluster.send('any', ping, 1), (error) => {
    return isCode(error, 'log-unreachable') && error.outcome === 'unknown'
  })
  assert.equal(
    all.reduce((sum, broker) => sum + broker.count(ping.key), 0),
    1,
  )

  let refusals = 0
  for (const broker of all) {
    broker.behave = ({ key }) => (key === metadata.key && refusals++ === 0 ? 'reset' : 'answer')
  }
  assert.equal((await cluster.allTopics()).length, 0)
  assert.equal(refusals, 2)
})

test('coordinators are remembered until they are lost or forgotten', async () => {
  const [first, second] = (await brokers(2)) as [FakeBroker, FakeBroker]
  for (const broker of [first, second]) broker.coordinator = { code: 0, port: second.port }
  const cluster = await connect([first])
  const looks = (): number => first.count(findCoordinator.key) + second.count(findCoordinator.key)
  await Promise.all([1, 2, 3].map((number) => cluster.send({ group: 'g' }, ping, number)))
  await cluster.send({ group: 'g' }, ping, 4)
  assert.equal(looks(), 1)
  assert.equal(second.count(ping.key), 4)

  await cluster.send({ transactionalId: 'g' }, ping, 5)
  assert.equal(looks(), 2)
  cluster.forget({ group: 'g' })
  await cluster.send({ group: 'g' }, ping, 6)
  assert.equal(looks(), 3)

  second.behave = ({ number }) => (number === 7 ? 'reset' : 'answer')
  await assert.rejects(cluster.send({ group: 'g' }, ping, 7), unreachable)
  for (const broker of [first, second]) broker.coordinator = { code: 0, port: first.port }
  await cluster.send({ group: 'g' }, ping, 8)
  assert.equal(looks(), 4)
  assert.equal(first.count(ping.key), 1)
})

test.each([
  [errorCode.coordinatorLoadInProgress, 'log-unreachable'],
  [errorCode.notCoordinator, 'log-unreachable'],
  [errorCode.groupAuthorizationFailed, 'not-authorised'],
] as const)('a coordinator that answers %i is %s', async (code, expected) => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  broker.coordinator = { code, port: 1 }
  const cluster = await connect([broker])
  for (let i = 0; i < 2; i++) {
    await assert.rejects(cluster.send({ group: 'g' }, ping, 1), (error) => {
      assert.ok(error instanceof MillraceError && error.code === expected)
      return error.outcome === 'not-applied' && error.message.includes("group 'g'")
    })
  }
  assert.equal(broker.count(findCoordinator.key), 2)
})

test('the first use makes the coordinator: it is waited for, but not for ever', async () => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  broker.coordinator = { code: errorCode.coordinatorNotAvailable, port: 0 }
  const cluster = await connect([broker], { requestTimeoutMs: 200 })
  await assert.rejects(cluster.send({ group: 'g' }, ping, 1), unreachable)
  const looks = broker.count(findCoordinator.key)
  assert.ok(looks > 2 && looks <= 12, `${looks} looks`)
  broker.behave = ({ key }) => {
    if (key === findCoordinator.key && broker.count(key) === looks + 2) {
      broker.coordinator = { code: 0, port: broker.port }
    }
    return 'answer'
  }
  assert.equal(await cluster.send({ group: 'g' }, ping, 2), 2)
  assert.equal(broker.count(findCoordinator.key), looks + 2)
})

test('topics are read with their leaders, and never made', async () => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  broker.topics = [{ name: 'orders', leaderEpoch: 5 }]
  const cluster = await connect([broker])
  const topics = await cluster.topics(['orders', 'none'])
  assert.deepEqual([...topics.keys()], ['orders'])
  const [partition] = topics.get('orders')?.partitions ?? []
  assert.deepEqual([partition?.leader, partition?.leaderEpoch], [1, 5])
  assert.equal(cluster.known('orders')?.partitions.length, 1)
  assert.equal(cluster.known('none'), undefined)
})

test('a broker away and back is told once each; the state says why and since when', async () => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  const events: ClusterEvent[] = []
  const cluster = await connect([broker], { notify: (event) => events.push(event) })
  await cluster.brokers()
  await broker.stop()
  const before = clock.now()
  for (let i = 0; i < 3; i++) await assert.rejects(cluster.send({ node: 1 }, ping, 1), unreachable)
  assert.match(cluster.state.away?.reason ?? '', /refused|closed/)
  assert.ok((cluster.state.away?.sinceMs ?? 0) >= before)
  const again = await FakeBroker.start(broker.port)
  open.push({ close: () => again.stop() })
  assert.equal(await cluster.send({ node: 1 }, ping, 2), 2)
  assert.equal(cluster.state.away, null)
  assert.deepEqual(
    events.map(({ kind, place }) => [kind, place]),
    [
      ['broker-away', broker.place],
      ['broker-back', broker.place],
    ],
  )
})

test('one broker away of two: told, but the cluster is not away', async () => {
  const [first, second] = (await brokers(2)) as [FakeBroker, FakeBroker]
  const events: ClusterEvent[] = []
  const cluster = await connect([first, second], { notify: (event) => events.push(event) })
  await cluster.send({ node: 1 }, ping, 1)
  await cluster.send({ node: 2 }, ping, 1)
  await second.stop()
  await assert.rejects(cluster.send({ node: 2 }, ping, 2), unreachable)
  assert.equal(cluster.state.away, null)
  assert.deepEqual(
    events.map(({ place }) => place),
    [second.place],
  )
  await first.stop()
  await assert.rejects(cluster.send({ node: 1 }, ping, 2), unreachable)
  assert.notEqual(cluster.state.away, null)
})

test('a broker that refuses is not asked faster than its pauses allow', async () => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  broker.behave = () => 'reset'
  const random = { next: () => 0, int: () => 0 }
  const cluster = await connect([broker], { random })
  const began = clock.monotonic()
  const tries = 4
  for (let i = 0; i < tries; i++) await assert.rejects(cluster.brokers(), unreachable)
  // 50 + 100 + 200 ms before the second to fourth; a timer may be a millisecond early.
  assert.ok(clock.monotonic() - began >= 345)
  assert.equal(broker.connectionCount, tries)
})

test('a listener that throws disturbs nobody', async () => {
  const [broker] = (await brokers(1)) as [FakeBroker]
  await broker.stop()
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  const others = process.listeners('uncaughtException').slice(0, -1)
  for (const other of others) process.removeListener('uncaughtException', other)
  const cluster = await connect([broker], {
    notify: () => {
      throw new Error('mine')
    },
  })
  await assert.rejects(cluster.brokers(), unreachable)
  assert.match(String(await thrown), /mine/)
  for (const other of others) process.on('uncaughtException', other)
})
