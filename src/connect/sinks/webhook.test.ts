import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { systemRandom } from '../../core/random.ts'
import { MemoryStore } from '../../log/memory/memory-store.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { failureKind } from '../delivery/failure.ts'
import { defineSinkConformance } from '../sink.conformance.ts'
import type { ConformanceValue } from '../sink.conformance.ts'
import { webhook } from './webhook.ts'
import type { WebhookOptions } from './webhook.ts'

interface Came {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What came, and how it is answered. */
let came: Came[] = []
let answer: (request: Came, response: ServerResponse) => void
let server: Server
let port = 0

const listen = (): Promise<void> =>
  new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const one = { headers: request.headers, body: Buffer.concat(parts).toString() }
      came.push(one)
      answer(one, response)
    })
  })
  await listen()
  ;({ port } = server.address() as AddressInfo)
})
afterEach(() => {
  came = []
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const ok = (_: Came, response: ServerResponse): void => void response.writeHead(204).end()
const url = (): string => `http://127.0.0.1:${port}/hook`

const record = (value: unknown) => ({
  id: 'p.s.outbox/0/7',
  key: 'k',
  value,
  time: 0,
  topic: 'p.s.outbox',
  partition: 0,
  offset: 7,
})

async function deliver(
  options: Partial<WebhookOptions<unknown, unknown>> = {},
  value: unknown = 5,
) {
  const sink = webhook('s', { url: url(), ...options })
  const signal = new AbortController().signal
  const connection = await sink.open({ clock: systemClock, random: systemRandom, signal })
  try {
    await connection.deliver([record(value)], { number: 1, signal })
  } finally {
    await connection.close()
  }
}

async function failure(options: Partial<WebhookOptions<unknown, unknown>> = {}): Promise<unknown> {
  return await deliver(options).then(
    () => null,
    (thrown: unknown) => thrown,
  )
}

test('a record comes as JSON with its id, and headers that were asked for', async () => {
  answer = ok
  process.env['MILLRACE_TEST_TOKEN'] = 'Bearer abc'
  await deliver(
    { headers: { Authorization: { env: 'MILLRACE_TEST_TOKEN' }, 'X-A': 'b' } },
    { n: 1 },
  )
  delete process.env['MILLRACE_TEST_TOKEN']
  expect(came[0]?.body).toBe('{"n":1}')
  expect(came[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'p.s.outbox/0/7',
    'webhook-id': 'p.s.outbox/0/7',
    authorization: 'Bearer abc',
    'x-a': 'b',
  })
  expect(came[0]?.headers['webhook-signature']).toBeUndefined()
})

test('it is signed with each secret, as Standard Webhooks has it', async () => {
  answer = ok
  const key = Buffer.from('a key of twenty-four byte')
  await deliver({ secret: [`whsec_${key.toString('base64')}`, 'plain'] }, { n: 1 })
  const { headers, body } = came[0] as Came
  const timestamp = String(headers['webhook-timestamp'])
  expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(10)
  const signature = (by: Buffer | string): string =>
    `v1,${createHmac('sha256', by).update(`p.s.outbox/0/7.${timestamp}.${body}`).digest('base64')}`
  expect(headers['webhook-signature']).toBe(`${signature(key)} ${signature('plain')}`)
})

test('a user and a password in the address are basic authentication', async () => {
  answer = ok
  await deliver({ url: url().replace('//', '//mill:se%20same@') })
  const { authorization } = came[0]?.headers ?? {}
  expect(authorization).toBe(`Basic ${Buffer.from('mill:se same').toString('base64')}`)
})

test.for([
  [200, null],
  [202, null],
  [301, 'failed'],
  [400, 'refused'],
  [401, 'refused'],
  [404, 'refused'],
  [408, 'failed'],
  [410, 'refused'],
  [413, 'refused'],
  [425, 'failed'],
  [429, 'unavailable'],
  [500, 'failed'],
  [502, 'failed'],
  [503, 'unavailable'],
  [504, 'failed'],
] as const)('%i is %s', async ([status, kind]) => {
  answer = (_, response) => void response.writeHead(status, { location: url() }).end('why')
  const thrown = await failure()
  expect(thrown === null ? null : failureKind(thrown)).toBe(kind)
  expect(came).toHaveLength(1) // no redirect is followed
})

test('Retry-After is handed on', async () => {
  answer = (_, response) => void response.writeHead(503, { 'retry-after': '7' }).end()
  expect(await failure()).toMatchObject({ code: 'sink-unavailable', retryAfterMs: 7_000 })
  answer = (_, response) => void response.writeHead(500).end()
  expect(await failure()).toMatchObject({ code: 'sink-failed', retryAfterMs: undefined })
})

test('an answer without end is cut off', async () => {
  let isCut = false
  answer = (_, response) => {
    response.writeHead(200)
    response.on('close', () => (isCut = true))
    const more = (): void => {
      if (isCut) return
      response.write('x'.repeat(65_536))
      setImmediate(more)
    }
    more()
  }
  await deliver()
  for (let turn = 0; !isCut && turn < 1_000; turn++)
    await new Promise((resolve) => setTimeout(resolve, 1))
  expect(isCut).toBe(true)
})

test('connections are used again', async () => {
  answer = (_, response) => void response.end('thank you')
  const ports = new Set<number | undefined>()
  const note = ({ socket }: IncomingMessage): unknown => ports.add(socket.remotePort)
  server.on('request', note)
  for (let i = 0; i < 20; i++) await deliver()
  server.removeListener('request', note)
  expect(ports.size).toBeLessThan(5)
})

test('what no JSON can be made of is refused', async () => {
  answer = ok
  const circle: { of?: unknown } = {}
  circle.of = circle
  for (const value of [undefined, 5n, circle])
    expect(
      await deliver({ payload: () => value }).catch((thrown: unknown) => thrown),
    ).toMatchObject({
      code: 'sink-refused',
    })
  expect(came).toHaveLength(0)
})

test.for([
  ['an address of another kind', { url: 'ftp://mill:sesame@host' }],
  ['no address', { url: 'host' }],
  ['a header that is set here', { headers: { 'Webhook-Id': '1' } }],
  ['a header that is none', { headers: { 'a b': '1' } }],
  ['an empty secret', { secret: '' }],
  ['a batch', { batch: 5 }],
  ['a payload that is no function', { payload: 5 }],
] as const)('refuses %s', ([, wrong]) => {
  const make = (): unknown => webhook('s', { url: 'http://a', ...wrong } as never)
  expect(make).toThrow(MillraceError)
  expect(make).not.toThrow(/sesame/)
})

defineSinkConformance(test, {
  name: 'webhook',
  sink: () =>
    webhook('s', {
      url: url(),
      retries: 2,
      backoff: '10ms',
      backoffMax: '50ms',
      timeout: '2s',
    }),
  begin: async () => {
    came = []
    answer = ({ body }, response) => {
      const { isBad } = JSON.parse(body) as ConformanceValue
      response.writeHead(isBad ? 422 : 204).end()
    }
  },
  arrived: async () => {
    const seen = new Set<unknown>()
    return came
      .filter(
        ({ headers }) =>
          !seen.has(headers['idempotency-key']) && seen.add(headers['idempotency-key']),
      )
      .map(({ body }) => JSON.parse(body) as ConformanceValue)
      .filter(({ isBad }) => !isBad)
  },
  outage: {
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    start: listen,
  },
  refuses: true,
  knowsIds: true,
  newLog: () => {
    const store = new MemoryStore()
    return () => openMemoryLog({ store })
  },
})
