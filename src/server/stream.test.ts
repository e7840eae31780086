import { createConnection } from 'node:net'
import { expect, test } from 'vitest'
import { BatchBuilder } from '../log/batch.ts'
import type { Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { EventListener } from '../../test/http/event-listener.ts'
import { TestServer } from '../../test/http/http-server.ts'

async function append(
  log: Log,
  partition: number,
  records: readonly (readonly [string, string])[],
): Promise<void> {
  const builder = new BatchBuilder()
  for (const [key, value] of records) builder.add(key, value, 1_000, [])
  await log.append([{ topic: 't', partition, bytes: builder.finish() }])
}

async function start(partitions = 2, log = openMemoryLog()) {
  const server = await TestServer.start({ log })
  await server.log.createTopic('t', { partitions })
  return server
}

const places = (listener: EventListener): string[] =>
  listener.events.map(({ data }) => `${String(data['partition'])}/${String(data['offset'])}`)

test('records as they are committed, from the end on or from the beginning', async () => {
  await using server = await start()
  await append(server.log, 0, [['a', 'one']])
  const late = await EventListener.open(server.port, '/topics/t/stream')
  const all = await EventListener.open(server.port, '/topics/t/stream?from=earliest&values=json')
  await all.until(1)
  await append(server.log, 1, [['b', '{"n":2}']])
  await all.until(2)
  await append(server.log, 0, [['a', 'three']])
  await all.until(3)
  await late.until(2)
  expect(places(all)).toEqual(['0/0', '1/0', '0/1'])
  expect(places(late).toSorted()).toEqual(['0/1', '1/0'])
  expect(all.events[1]).toMatchObject({
    event: 'message',
    id: '0:1,1:1',
    data: { key: 'b', value: { n: 2 }, form: 'json', time: 1_000 },
  })
  all.close()
  late.close()
})

test('only one partition, only one key', async () => {
  await using server = await start()
  const part = await EventListener.open(server.port, '/topics/t/stream?partition=1&from=earliest')
  const key = await EventListener.open(
    server.port,
    '/topics/t/stream?key=k&partition=0&from=earliest',
  )
  await append(server.log, 0, [
    ['k', '1'],
    ['other', '2'],
    ['k', '3'],
  ])
  await append(server.log, 1, [['k', '4']])
  await part.until(1)
  await key.until(2)
  expect([places(part), places(key)]).toEqual([['1/0'], ['0/0', '0/2']])
  part.close()
  key.close()
})

test('who was cut off goes on behind the last event: nothing lost, nothing twice', async () => {
  await using server = await start(3)
  const seen: string[] = []
  let last: string | null = null
  for (let round = 0; round < 6; round++) {
    const records = Array.from({ length: 7 }, (_, n) => [`k${n}`, String(n)] as const)
    await append(server.log, round % 3, records)
    const headers: Record<string, string> = last === null ? {} : { 'Last-Event-ID': last }
    const path = '/topics/t/stream?from=earliest'
    const listener = await EventListener.open(server.port, path, headers)
    const events = (await listener.until(5)).slice(0, 5) // the rest of them is lost on the way
    listener.close()
    seen.push(...places(listener).slice(0, 5))
    last = events.at(-1)?.id ?? null
  }
  const rest = await EventListener.open(server.port, '/topics/t/stream', {
    'Last-Event-ID': last ?? '',
  })
  await rest.until(42 - seen.length)
  seen.push(...places(rest))
  rest.close()
  expect(seen).toHaveLength(42)
  expect(new Set(seen).size).toBe(42)
})

test('what retention took meanwhile is said', async () => {
  await using server = await start(1)
  const { log } = server
  await append(log, 0, [
    ['a', '1'],
    ['a', '2'],
  ])
  // As if the first were gone.
  const [describe, open] = [log.describeTopic.bind(log), log.openReader.bind(log)]
  log.describeTopic = async (name) => {
    const info = await describe(name)
    return { ...info, partitions: info.partitions.map((one) => ({ ...one, startOffset: 1 })) }
  }
  log.openReader = (inputs) => open(inputs.map((input) => ({ ...input, offset: 1 })))
  const headers = { 'Last-Event-ID': '0:0' }
  const listener = await EventListener.open(server.port, '/topics/t/stream', headers)
  await listener.until(2)
  expect(listener.events[0]).toMatchObject({
    event: 'gap',
    data: { partition: 0, from: 0, to: 1 },
  })
  expect(listener.events[1]?.data).toMatchObject({ offset: 1 })
  listener.close()
})

test('a client that does not read holds no records in memory, and misses none', async () => {
  await using server = await start(1)
  const socket = createConnection(server.port, '127.0.0.1')
  socket.write('GET /topics/t/stream?from=earliest HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  const value = 'x'.repeat(10_000)
  const total = 3_000
  for (let n = 0; n < total; n += 100) {
    await append(
      server.log,
      0,
      Array.from({ length: 100 }, (_, i) => [`k${n + i}`, value] as const),
    )
  }
  const before = process.memoryUsage().arrayBuffers
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => (text += part.replaceAll(/x{100,}/g, '')))
  socket.resume()
  while (!text.includes(`"offset":${total - 1},`)) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  socket.destroy()
  const offsets = [...text.matchAll(/"offset":(\d+),/g)].map(([, offset]) => Number(offset))
  expect(offsets).toEqual(Array.from({ length: total }, (_, n) => n))
})

test('hostile records cannot end their event', async () => {
  await using server = await start(1)
  const hostile = 'a\n\ndata: {"forged":true}\n\nevent: gap\r\n'
  await append(server.log, 0, [[hostile, hostile]])
  const listener = await EventListener.open(server.port, '/topics/t/stream?from=earliest')
  await listener.until(1)
  await append(server.log, 0, [['b', 'end']])
  await listener.until(2)
  expect(listener.events.map(({ data }) => data['value'])).toEqual([hostile, 'end'])
  listener.close()
})

test('so many may listen; what cannot be, is refused; the end of the server ends it', async () => {
  const server = await start(2)
  const status = async (path: string, headers = {}): Promise<number | undefined> => {
    const listener = await EventListener.open(server.port, path, headers)
    listener.close()
    return listener.response.statusCode
  }
  expect(await status('/topics/nothing/stream')).toBe(404)
  expect(await status('/topics/t/stream?partition=7')).toBe(404)
  expect(await status('/topics/t/stream?from=1')).toBe(400)
  expect(await status('/topics/t/stream', { 'Last-Event-ID': '0' })).toBe(400)
  expect(await status('/topics/t/stream', { Origin: 'http://elsewhere.example' })).toBe(403)
  const all = await Promise.all(
    Array.from({ length: 70 }, () => EventListener.open(server.port, '/topics/t/stream')),
  )
  const codes = all.map(({ response }) => response.statusCode)
  expect(codes.filter((code) => code === 429).length).toBeGreaterThanOrEqual(6)
  await server[Symbol.asyncDispose]()
  await Promise.all(all.map(({ closed }) => closed))
  expect(server.faults).toEqual([])
})
