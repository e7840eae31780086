import { request, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { TestServer } from '../../test/http/http-server.ts'

interface Event {
  readonly state: string
  readonly topics: readonly { topic: string; end: number }[] | null
}

/** One who listens. */
class Listener {
  readonly response: IncomingMessage
  readonly closed: Promise<unknown>
  #text = ''

  private constructor(response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (part: string) => (this.#text += part))
    response.on('error', () => {})
    this.closed = new Promise((resolve) => response.once('close', resolve))
  }

  static async open(port: number, headers: Record<string, string> = {}): Promise<Listener> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path: '/live', headers, agent: false })
      sent.on('response', resolve)
      sent.on('error', reject)
      sent.end()
    })
    return new Listener(response)
  }

  get events(): Event[] {
    const whole = this.#text.split('\n\n').slice(0, -1)
    return whole.map((event) => JSON.parse(event.replace(/^data: /, '')) as Event)
  }

  async until(count: number): Promise<Event[]> {
    while (this.events.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    return this.events
  }
}

test('an event at once, and one a second from then on', async () => {
  await using server = await TestServer.start()
  await server.log.createTopic('a')
  const listener = await Listener.open(server.port)
  expect(listener.response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(listener.response.headers['cache-control']).toBe('no-store')
  const [first] = await listener.until(1)
  expect(first).toMatchObject({ state: 'no-pipeline', topics: [{ topic: 'a', end: 0 }] })
  await server.log.createTopic('b')
  const [, second] = await listener.until(2)
  expect(second?.topics?.map(({ topic }) => topic)).toEqual(['a', 'b'])
  listener.response.destroy()
})

test('a log that does not answer is said, and hides nothing else', async () => {
  const log = openMemoryLog()
  log.listTopics = () => Promise.reject(new Error('away'))
  await using server = await TestServer.start({ log })
  const listener = await Listener.open(server.port)
  expect((await listener.until(1))[0]).toMatchObject({ state: 'no-pipeline', topics: null })
  listener.response.destroy()
})

test('a token is needed, where there is one', async () => {
  const token = 'open sesame 1234'.replaceAll(' ', '-')
  await using server = await TestServer.start({ token })
  const refused = await Listener.open(server.port)
  expect(refused.response.statusCode).toBe(401)
  const taken = await Listener.open(server.port, { Authorization: `Bearer ${token}` })
  expect(taken.response.statusCode).toBe(200)
  taken.response.destroy()
})

test('so many may listen; who goes makes room', async () => {
  await using server = await TestServer.start()
  const listeners = await Promise.all(Array.from({ length: 32 }, () => Listener.open(server.port)))
  expect(listeners.map(({ response }) => response.statusCode)).toEqual(Array(32).fill(200))
  const refused = await Listener.open(server.port)
  expect(refused.response.statusCode).toBe(429)
  expect(refused.response.headers['retry-after']).toBe('5')
  listeners[0]?.response.destroy()
  let status: number | undefined
  while (status !== 200) {
    const next = await Listener.open(server.port)
    status = next.response.statusCode
    if (status === 200) next.response.destroy()
  }
  for (const { response } of listeners) response.destroy()
})

test('the end of the server is the end of the events', async () => {
  const server = await TestServer.start()
  const listener = await Listener.open(server.port)
  await listener.until(1)
  await server[Symbol.asyncDispose]()
  await listener.closed
  expect(server.faults).toEqual([])
})
