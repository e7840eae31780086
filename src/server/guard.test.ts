import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { VirtualClock } from '../core/clock.ts'
import { isCode } from '../core/error.ts'
import { checkHttpOptions } from './http-options.ts'
import { ask, TestServer } from '../../test/http/http-server.ts'

const token = 'correct-horse-battery'
const bearer = (text: string) => ({ Authorization: `Bearer ${text}` })

test.each([
  [{ host: '0.0.0.0' }, 'has no token'],
  [{ host: '::' }, 'has no token'],
  [{ host: '192.168.1.5' }, 'has no token'],
  [{ host: 'example.org' }, 'has no token'],
  [{ host: '127.example.org' }, 'has no token'],
  [{ token: 'short' }, 'too short'],
  [{ token: '' }, 'too short'],
  [{ token: `${token}\n${token}` }, 'characters'],
  [{ host: '0.0.0.0', token: [] }, 'has no token'],
  [{ hosts: ['http://a'] }, 'no name of a host'],
  [{ port: 70_000 }, 'port cannot be'],
  [{ port: 1.5 }, 'port cannot be'],
  [{ bodyBytesMax: 0 }, 'bodyBytesMax'],
  [{ bytesInFlightMax: 100 }, 'bytesInFlightMax'],
  [{ invalid: 'drop' as never }, 'invalid'],
])('%j does not start', (options, text) => {
  const error = (() => {
    try {
      return checkHttpOptions({ port: 0, ...options })
    } catch (thrown) {
      return thrown
    }
  })()
  expect(isCode(error, 'invalid-argument')).toBe(true)
  expect((error as Error).message).toContain(text)
  expect(String((error as Error).stack)).not.toContain(token)
})

test('this machine alone by default; another address with a token', () => {
  expect(checkHttpOptions({ port: 0 })).toMatchObject({ host: '127.0.0.1', isLoopback: true })
  expect(checkHttpOptions({ port: 0, host: '::1' })).toMatchObject({ isLoopback: true })
  expect(checkHttpOptions({ port: 0, host: '0.0.0.0', token })).toMatchObject({ hosts: [] })
})

test('a port that is taken is told', async () => {
  await using server = await TestServer.start()
  const second = await TestServer.start({ port: server.port }).catch((thrown: unknown) => thrown)
  expect(isCode(second, 'invalid-argument')).toBe(true)
  expect(String(second)).toContain('is taken')
})

test('without its token nothing is shown or taken but health', async () => {
  await using server = await TestServer.start({ token: [token, `${token}-2`] })
  await server.log.createTopic('t')
  for (const path of ['/topics', '/metrics', '/openapi.json', '/plan', '/status', '/topics/t']) {
    expect((await server.ask(path)).status, path).toBe(401)
    expect((await server.ask(path, { headers: bearer(token) })).status, path).toBe(200)
  }
  expect((await server.ask('/health/live')).status).toBe(200)
  expect((await server.ask('/health/ready')).status).toBe(200)
  expect((await server.post('/topics/t', [1])).status).toBe(401)
  expect((await server.post('/topics/t', [1], { headers: bearer(`${token}-2`) })).status).toBe(202)
  for (const wrong of [
    bearer(`${token}-3`),
    bearer(token.slice(1)),
    bearer(''),
    bearer(`${token},${token}`),
    { Authorization: token },
    { Authorization: `Basic ${Buffer.from(token).toString('base64')}` },
    { Authorization: 'Bearer undefined' },
  ]) {
    const refused = await server.ask('/topics', { headers: wrong })
    expect([refused.status, refused.json['code']]).toEqual([401, 'unauthorised'])
    expect(refused.headers['www-authenticate']).toContain('Bearer')
  }
  const shown = await server.ask('/openapi.json', { headers: bearer(token) })
  expect(shown.text).not.toContain(token)
})

/** Each a whole request; the status, or what must not come. */
const hostile: Record<string, [string, number]> = {
  'a name that leads here by DNS': ['GET /topics HTTP/1.1\r\nHost: evil.example', 421],
  'an address that is not this one': ['GET /topics HTTP/1.1\r\nHost: 10.0.0.1', 421],
  'a name that begins like this one': ['GET /topics HTTP/1.1\r\nHost: localhost.evil.example', 421],
  'a name that begins like an address': ['GET /topics HTTP/1.1\r\nHost: 127.0.0.1.evil.org', 421],
  'a user in the host': ['GET /topics HTTP/1.1\r\nHost: localhost@evil.example', 400],
  'a port that is none': ['GET /topics HTTP/1.1\r\nHost: localhost:70000', 400],
  'no host': ['GET /topics HTTP/1.1', 400],
  'an empty host': ['GET /topics HTTP/1.1\r\nHost:', 400],
  'two hosts': ['GET /topics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example', 400],
  'another page': ['GET /topics HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example', 403],
  'a page of no origin': ['GET /topics HTTP/1.1\r\nHost: localhost\r\nOrigin: null', 403],
  'a page on another port': [
    'GET /topics HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost:2',
    403,
  ],
  'an image of another page': [
    'GET /topics HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site',
    403,
  ],
  'a form of another page': [
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n' +
      'Content-Type: text/plain\r\nContent-Length: 1\r\n\r\n1',
    403,
  ],
  'a preflight': [
    'OPTIONS /topics/t HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST',
    405,
  ],
  'a whole URL': ['GET http://localhost/topics HTTP/1.1\r\nHost: localhost', 400],
  'a proxy’s CONNECT': ['CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost', 0],
  'a path upwards': ['GET /topics/../../etc/passwd HTTP/1.1\r\nHost: localhost', 404],
  'a path upwards, escaped': ['GET /topics/..%2f..%2fetc HTTP/1.1\r\nHost: localhost', 400],
  'a path with NUL': ['GET /topics/a%00b HTTP/1.1\r\nHost: localhost', 400],
  'half an escape': ['GET /topics/%e0%a4%a HTTP/1.1\r\nHost: localhost', 400],
  'a method of its own': ['BREW /topics HTTP/1.1\r\nHost: localhost', 400],
  'another method': ['DELETE /topics/t HTTP/1.1\r\nHost: localhost', 405],
  'two lengths': [
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n' +
      'Content-Length: 2\r\n\r\n12',
    400,
  ],
  'length and chunks': [
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: localhost',
    400,
  ],
  'a chunk of a size that is none': [
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n-1\r\n1\r\n0\r\n\r\n',
    400,
  ],
  'a huge length': [
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      'Content-Length: 99999999999',
    413,
  ],
  'too many headers': [
    `GET /topics HTTP/1.1\r\nHost: localhost\r\n${'A: b\r\n'.repeat(9_000)}`,
    431,
  ],
  'a header that is too large': [
    `GET /topics HTTP/1.1\r\nHost: localhost\r\nA: ${'x'.repeat(20_000)}`,
    431,
  ],
  'a path that is too long': [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost`, 431],
  'a header in a header': ['GET /topics/t HTTP/1.1\r\nHost: localhost\r\nA: b\rSet-Cookie: x', 400],
  'a header folded': ['GET /topics HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c: d', 400],
  'no HTTP at all': ['\x16\x03\x01\x02\x00\x01\x00\x01', 400],
  'a name of every object': ['GET /constructor HTTP/1.1\r\nHost: localhost', 404],
  'a topic of that name': ['GET /topics/__proto__ HTTP/1.1\r\nHost: localhost', 404],
  'a parameter of that name': ['GET /topics?__proto__=1 HTTP/1.1\r\nHost: localhost', 400],
}

test.for(Object.entries(hostile))('hostile request: %s', async ([, [text, status]]) => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  const first = text.indexOf('\r\n') < 0 ? text.length : text.indexOf('\r\n')
  const closing = `${text.slice(0, first)}\r\nConnection: close${text.slice(first)}`
  const shown = await server.raw(text.includes('\r\n\r\n') ? closing : `${closing}\r\n\r\n`)
  if (status === 0) expect(shown).toBe('')
  else expect(shown).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(shown.toLowerCase()).not.toContain('access-control-')
  expect(await server.values('t')).toEqual([])
  expect(server.faults).toEqual([])
  expect((await server.ask('/health/live')).status).toBe(200)
})

test('its own page, and programs, are let in', async () => {
  await using server = await TestServer.start({ hosts: ['Millrace.Example'] })
  const get = async (headers: Record<string, string>) =>
    (await server.ask('/topics', { headers })).status
  const { port } = server
  expect(await get({ Host: `localhost:${port}`, Origin: `http://localhost:${port}` })).toBe(200)
  expect(await get({ Host: 'LOCALHOST', 'Sec-Fetch-Site': 'same-origin' })).toBe(200)
  expect(await get({ Host: `[::1]:${port}` })).toBe(200)
  expect(await get({ Host: 'millrace.example', Origin: 'https://millrace.example' })).toBe(200)
})

test('each answer tells browsers to show, run and keep nothing', async () => {
  await using server = await TestServer.start()
  for (const path of ['/topics', '/nothing', '/metrics', '/health/live']) {
    const { headers } = await server.ask(path)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['content-type']).not.toContain('html')
  }
})

test('who sends slowly is sent away, and others are served meanwhile', async () => {
  await using server = await TestServer.start({ requestTimeout: '1s' })
  await server.log.createTopic('t')
  const started = performance.now()
  const slow = [
    'GET /topics HTTP/1.1\r\nHost: local',
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      'Content-Length: 100\r\n\r\n[1,',
  ].map((text) => server.raw(text))
  expect((await server.post('/topics/t', [1])).status).toBe(202)
  for (const shown of await Promise.all(slow)) expect(shown).toMatch(/^HTTP\/1.1 408 |^$/)
  expect(performance.now() - started).toBeLessThan(8_000)
  expect(await server.values('t')).toEqual(['1'])
})

test('a sender that goes away in the middle leaves nothing behind', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('t')
  await new Promise<void>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => {
      const head =
        'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n'
      socket.write(`${head}Content-Length: 1000\r\n\r\n1\n2\n3\n`, () => socket.destroy())
    })
    socket.on('close', () => resolve())
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const metrics = (await server.ask('/metrics')).text
  expect(metrics).toContain('millrace_ingest_in_flight_bytes 0\n')
  expect(await server.values('t')).toEqual([])
  expect(server.faults).toEqual([])
})

test('a client that waits for 100 Continue is refused before its body', async () => {
  await using server = await TestServer.start({ bodyBytesMax: 10 })
  await server.log.createTopic('t')
  const head = (length: number) =>
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
    `Connection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
  expect(await server.raw(head(100))).toMatch(/^HTTP\/1.1 413 /)
  expect(await server.raw(`${head(2)}12`)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 202 /)
  const other = head(2).replace('localhost', 'evil.example')
  expect(await server.raw(other)).toMatch(/^HTTP\/1.1 421 /)
})

test('more requests a second than allowed: 429, for that client alone', async () => {
  await using server = await TestServer.start({
    requestsPerSecond: 5,
    token: [token, `${token}-2`],
  })
  const statuses = await Promise.all(
    Array.from({ length: 8 }, () => server.ask('/topics', { headers: bearer(token) })),
  )
  expect(statuses.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(2)
  expect(statuses.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5)
  expect(statuses.find(({ status }) => status === 429)?.headers['retry-after']).toBe('1')
  expect((await server.ask('/topics', { headers: bearer(`${token}-2`) })).status).toBe(200)
})

test('bodies in memory are bounded over all requests: 429, then room again', async () => {
  const { openMemoryLog } = await import('../log/memory/memory-log.ts')
  const log = openMemoryLog()
  await log.createTopic('t')
  const append = log.append.bind(log)
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  log.append = async (...args) => {
    await released
    return await append(...args)
  }
  await using server = await TestServer.start({ log, bodyBytesMax: 1_000, bytesInFlightMax: 2_500 })
  const post = () => server.post('/topics/t', ['x'.repeat(900)])
  const held = [post(), post()]
  while (!(await server.ask('/metrics')).text.includes('in_flight_bytes 1806')) continue
  const refused = await post()
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1'])
  release()
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([202, 202])
  expect((await post()).status).toBe(202)
  expect(await server.values('t')).toHaveLength(3)
})

test('a server that is closed answers what it has, and then nobody', async () => {
  const server = await TestServer.start()
  await server.log.createTopic('t')
  const answers = Promise.all(Array.from({ length: 10 }, (_, i) => server.post('/topics/t', [i])))
  const done = (await answers).map(({ status }) => status)
  await server.server.close()
  await server.server.close()
  expect(done).toEqual(Array.from({ length: 10 }, () => 202))
  await expect(ask(`http://127.0.0.1:1`, {})).rejects.toThrow('ECONNREFUSED')
  await server.log.close()
})

test('a server that is closed does not wait for a body that is still on its way', async () => {
  const clock = new VirtualClock()
  const server = await TestServer.start({ served: { clock } })
  await server.log.createTopic('t')
  const shown = server.raw(
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      'Content-Length: 100\r\n\r\n[1,',
  )
  while (!(await server.ask('/metrics')).text.includes('in_flight_bytes 3\n')) continue
  const closed = server.server.close()
  clock.advance(4_999)
  const early = await Promise.race([closed, new Promise((r) => setTimeout(() => r('open'), 30))])
  expect(early).toBe('open')
  clock.advance(1)
  await closed
  expect(await shown).not.toContain('202')
  await server.log.close()
})

test('whether the log answers is asked once a second at most', async () => {
  const clock = new VirtualClock()
  await using server = await TestServer.start({ served: { clock } })
  let looks = 0
  const listTopics = server.log.listTopics.bind(server.log)
  server.log.listTopics = () => {
    looks += 1
    return listTopics()
  }
  for (let i = 0; i < 5; i++) expect((await server.ask('/health/ready')).status).toBe(200)
  expect(looks).toBe(1)
  clock.advance(1_000)
  await server.ask('/health/ready')
  expect(looks).toBe(2)
})

test('a body without a length is refused when it is too large, which is seen', async () => {
  await using server = await TestServer.start({ bodyBytesMax: 100_000 })
  await server.log.createTopic('t')
  const chunk = `2710\r\n${'"x"\n'.repeat(2_500)}\r\n`
  const head =
    'POST /topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n' +
    'Transfer-Encoding: chunked\r\n\r\n'
  const shown = await server.raw(head + chunk.repeat(40))
  expect(shown).toMatch(/^HTTP\/1.1 413 /)
  expect(shown).toContain('Connection: close')
  expect(await server.values('t')).toEqual([])
  expect((await server.ask('/metrics')).text).toContain('millrace_ingest_in_flight_bytes 0\n')
})
