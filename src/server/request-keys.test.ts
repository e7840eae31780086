import { expect, test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { seededRandom } from '../core/random.ts'
import { faultyLog, scriptedFaults, seededFaults } from '../log/log.faulty.ts'
import type { Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { type Answer, TestServer } from '../../test/http/http-server.ts'

const keyed = (key: string) => ({ headers: { 'Idempotency-Key': key } })

/** A log that outlives the servers in front of it. */
async function openShared(partitions = 1): Promise<Log> {
  const log = openMemoryLog()
  await log.createTopic('t', { partitions })
  log.close = async () => {}
  return log
}

test('a request that comes again has the first answer, and writes nothing', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  const first = await server.post('/topics/t', [1, 2], keyed('a'))
  await server.post('/topics/t', [3])
  const again = await server.post('/topics/t', [1, 2], keyed('a'))
  expect(again.text).toBe(first.text)
  expect(first.headers['idempotent-replayed']).toBe(undefined)
  expect(again.headers['idempotent-replayed']).toBe('true')
  expect(await server.values('t')).toEqual(['1', '2', '3'])
})

test('another request with the same key is refused; in another topic it is not', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  await server.log.createTopic('u')
  await server.post('/topics/t', [{ a: 1 }], keyed('a'))
  for (const [path, lines] of [
    ['/topics/t', [{ a: 2 }]],
    ['/topics/t?key=/a', [{ a: 1 }]],
    ['/topics/t?invalid=take', [{ a: 1 }]],
  ] as const) {
    const answer = await server.post(path, lines, keyed('a'))
    expect([answer.status, answer.json['code']]).toEqual([422, 'idempotency-key-reused'])
  }
  expect((await server.post('/topics/u', [{ a: 2 }], keyed('a'))).status).toBe(202)
  expect(await server.values('t')).toEqual(['{"a":1}'])
})

test('a request that was refused is not remembered', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  const bad = { method: 'POST', body: '{', headers: { 'Content-Type': 'application/json' } }
  const refused = await server.ask('/topics/t', {
    ...bad,
    headers: { ...bad.headers, 'Idempotency-Key': 'a' },
  })
  expect(refused.status).toBe(400)
  expect((await server.post('/topics/t', [1], keyed('a'))).status).toBe(202)
})

test('another server gives the same answer, of many batches and partitions', async () => {
  const log = await openShared(3)
  const lines = Array.from({ length: 4_000 }, (_, i) => ({ k: i % 50, i }))
  await using one = await TestServer.start({ log })
  await one.post('/topics/t?key=/k', lines.slice(0, 77))
  const first = await one.post('/topics/t?key=/k', lines, keyed('a'))
  await one.post('/topics/t?key=/k', lines.slice(0, 999), keyed('b'))
  await using two = await TestServer.start({ log })
  const again = await two.post('/topics/t?key=/k', lines, keyed('a'))
  expect(again.headers['idempotent-replayed']).toBe('true')
  expect(again.text).toBe(first.text)
  expect(await two.values('t')).toHaveLength(77 + 4_000 + 999)
  const other = await two.post('/topics/t?key=/k', lines.slice(1), keyed('a'))
  expect(other.status).toBe(422)
  // And the first one knows what the second has taken.
  await two.post('/topics/t', [1], keyed('c'))
  expect((await one.post('/topics/t', [1], keyed('c'))).headers['idempotent-replayed']).toBe('true')
})

test('of records that are gone, nobody knows the offset', async () => {
  const log = await openShared()
  await using one = await TestServer.start({ log })
  await one.post('/topics/t', [1, 2], keyed('a'))
  await one.post('/topics/t', [3])
  await log.trim([{ topic: 't', partition: 0, offset: 3 }])
  await using two = await TestServer.start({ log })
  const again = await two.post('/topics/t', [1, 2], keyed('a'))
  expect(again.json['appended']).toEqual([{ partition: 0, first: null, count: 2 }])
})

test.each(['applied', 'not-applied'] as const)(
  'when nobody knows whether it was written, and it was %s: sent again, it is there once',
  async (effect) => {
    const shared = await openShared()
    const log = faultyLog(shared, scriptedFaults([{ kind: 'unknown', effect }]))
    await using server = await TestServer.start({ log })
    const unknown = await server.post('/topics/t', [1], keyed('a'))
    expect([unknown.status, unknown.json['code']]).toEqual([503, 'commit-unknown'])
    const again = await server.post('/topics/t', [1], keyed('a'))
    expect(again.status).toBe(202)
    expect(again.json['appended']).toEqual([{ partition: 0, first: 0, count: 1 }])
    expect(again.headers['idempotent-replayed']).toBe(effect === 'applied' ? 'true' : undefined)
    expect(await server.values('t')).toEqual(['1'])
  },
)

test('requests with one key that come at once are one', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => server.post('/topics/t', [1], keyed('a'))),
  )
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers.filter(({ headers }) => !headers['idempotent-replayed'])).toHaveLength(1)
  expect(await server.values('t')).toEqual(['1'])
})

test('on a log that fetches from afar, it waits for what another has committed', async () => {
  const log = await openShared()
  await using one = await TestServer.start({ log })
  await one.post('/topics/t', [0], keyed('z'))
  const openReader = log.openReader.bind(log)
  let isFetched = true
  const far = new Proxy(log, {
    get: (target, name) => {
      if (name === 'kind') return 'kafka'
      if (name !== 'openReader') return (Reflect.get(target, name) as () => void).bind?.(target)
      return async (...args: Parameters<Log['openReader']>) => {
        const reader = await openReader(...args)
        return {
          poll: (input: number) => (isFetched ? reader.poll(input) : null),
          wait: async () => {
            isFetched = true
            return 'ready'
          },
          close: () => reader.close(),
        }
      }
    },
  })
  await using two = await TestServer.start({ log: far as Log })
  await two.post('/topics/t', [0], keyed('z'))
  isFetched = false
  await one.post('/topics/t', [1], keyed('a'))
  expect((await two.post('/topics/t', [1], keyed('a'))).headers['idempotent-replayed']).toBe('true')
  expect(await one.values('t')).toEqual(['0', '1'])
})

test('a key is forgotten when its time is over, and not before', async () => {
  const clock = new VirtualClock(1_000_000)
  const log = await openShared()
  await using server = await TestServer.start({ log, keepKeysFor: '1m', served: { clock } })
  await server.post('/topics/t', [1], keyed('a'))
  clock.advance(59_000)
  await server.post('/topics/t', [1], keyed('a'))
  await using late = await TestServer.start({ log, keepKeysFor: '1m', served: { clock } })
  await late.post('/topics/t', [1], keyed('a'))
  expect(await server.values('t')).toEqual(['1'])
  clock.advance(1_000)
  expect((await server.post('/topics/t', [1], keyed('a'))).status).toBe(202)
  expect(await server.values('t')).toEqual(['1', '1'])
  // The other server, too, takes the newer one.
  expect((await late.post('/topics/t', [1], keyed('a'))).headers['idempotent-replayed']).toBe(
    'true',
  )
})

test('there is room for so many keys: 429 until the oldest is forgotten', async () => {
  const clock = new VirtualClock(1_000_000)
  await using server = await TestServer.start({
    keysMax: 2,
    keepKeysFor: '1m',
    served: { clock },
  })
  await server.log.createTopic('t')
  await server.post('/topics/t', [1], keyed('a'))
  clock.advance(20_000)
  await server.post('/topics/t', [2], keyed('b'))
  const refused = await server.post('/topics/t', [3], keyed('c'))
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '40'])
  expect((await server.post('/topics/t', [1], keyed('a'))).status).toBe(202)
  expect((await server.post('/topics/t', [4])).status).toBe(202)
  clock.advance(40_000)
  expect((await server.post('/topics/t', [3], keyed('c'))).status).toBe(202)
})

test('what somebody else wrote to the topic of keys does no harm', async () => {
  const log = await openShared()
  await using one = await TestServer.start({ log })
  await one.post('/topics/t', [1], keyed('a'))
  const { BatchBuilder } = await import('../log/batch.ts')
  for (const value of ['', 'null', '{}', '[]', '{"fingerprint":1}', '\xff']) {
    const builder = new BatchBuilder()
    builder.add('x', value, Date.now())
    builder.add(null, null, Date.now())
    await log.append([{ topic: 'millrace.http.requests', partition: 0, bytes: builder.finish() }])
  }
  await using two = await TestServer.start({ log })
  expect((await two.post('/topics/t', [1], keyed('a'))).headers['idempotent-replayed']).toBe('true')
  expect((await two.post('/topics/t', [2], keyed('b'))).status).toBe(202)
})

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'each request is there once, whatever appends meet and whichever server it comes to: seed %i',
  async (seed) => {
    const random = seededRandom(seed)
    const shared = await openShared(2)
    const faults = { percent: 40, delayMsMax: 3 }
    const open = () =>
      TestServer.start({ log: faultyLog(shared, seededFaults(random.int(1e9), faults)) })
    await using left = await open()
    await using right = await open()
    const told = new Map<string, string>()
    const send = async (key: string): Promise<void> => {
      const lines = [{ key }, { key, more: true }]
      for (let tries = 0; tries < 60; tries++) {
        const server = random.int(4) === 0 ? right : left
        const answer: Answer = await server.post('/topics/t?key=/key', lines, keyed(key))
        expect([202, 503]).toContain(answer.status)
        if (answer.status !== 202) continue
        const before = told.get(key)
        if (before !== undefined) expect(answer.text).toBe(before)
        told.set(key, answer.text)
        if (before !== undefined || random.int(2) === 0) return
      }
      throw new Error(`${key} was never taken`)
    }
    const keys = Array.from({ length: 12 }, (_, i) => `k${i}`)
    await Promise.all(keys.map(send))
    const records = await left.records('t')
    expect(records.map(({ value }) => value).toSorted()).toEqual(
      keys
        .flatMap((key) => [JSON.stringify({ key }), JSON.stringify({ key, more: true })])
        .toSorted(),
    )
    for (const key of keys) {
      const answer = JSON.parse(told.get(key) ?? '{}') as {
        appended: { partition: number; first: number }[]
      }
      const [run] = answer.appended
      const first = records.find(({ value }) => value === JSON.stringify({ key }))
      expect(`${run?.partition}@${run?.first}`).toBe(first?.at)
    }
  },
)
