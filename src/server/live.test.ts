import { expect, test } from 'vitest'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { EventListener, type ServerEvent } from '../../test/http/event-listener.ts'
import { TestServer } from '../../test/http/http-server.ts'

const open = (port: number, headers: Record<string, string> = {}) =>
  EventListener.open(port, '/live', headers)

const names = ({ data }: ServerEvent): unknown =>
  (data['topics'] as { topic: string }[]).map(({ topic }) => topic)

test('an event at once, and one a second from then on', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('a')
  const listener = await open(server.port)
  expect(listener.response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(listener.response.headers['cache-control']).toBe('no-store')
  const [first] = await listener.until(1)
  expect(first?.data).toMatchObject({
    state: 'no-pipeline',
    topics: [{ topic: 'a', end: 0 }],
  })
  await server.log.createTopic('b')
  const [, second] = await listener.until(2)
  expect(second && names(second)).toEqual(['a', 'b'])
  listener.response.destroy()
})

test('a log that does not answer is said, and hides nothing else', async () => {
  const log = openMemoryLog()
  log.listTopics = () => Promise.reject(new Error('away'))
  await using server = await TestServer.start({ log })
  const listener = await open(server.port)
  const [first] = await listener.until(1)
  expect(first?.data).toMatchObject({ state: 'no-pipeline', topics: null })
  listener.response.destroy()
})

test('a token is needed, where there is one', async () => {
  const token = 'open sesame 1234'.replaceAll(' ', '-')
  await using server = await TestServer.start({ token })
  const refused = await open(server.port)
  expect(refused.response.statusCode).toBe(401)
  const taken = await open(server.port, { Authorization: `Bearer ${token}` })
  expect(taken.response.statusCode).toBe(200)
  taken.response.destroy()
})

test('so many may listen; who goes makes room', async () => {
  await using server = await TestServer.start()
  const listeners = await Promise.all(Array.from({ length: 32 }, () => open(server.port)))
  expect(listeners.map(({ response }) => response.statusCode)).toEqual(Array(32).fill(200))
  const refused = await open(server.port)
  expect(refused.response.statusCode).toBe(429)
  expect(refused.response.headers['retry-after']).toBe('5')
  listeners[0]?.response.destroy()
  let status: number | undefined
  while (status !== 200) {
    const next = await open(server.port)
    status = next.response.statusCode
    if (status === 200) next.response.destroy()
  }
  for (const { response } of listeners) response.destroy()
})

test('the end of the server is the end of the events', async () => {
  const server = await TestServer.start()
  const listener = await open(server.port)
  await listener.until(1)
  await server[Symbol.asyncDispose]()
  await listener.closed
  expect(server.faults).toEqual([])
})
