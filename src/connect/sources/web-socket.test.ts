import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { systemClock, VirtualClock } from '../../core/clock.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { SourceBatch } from '../source.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { webSocketSource, webSocketSourceOn } from './web-socket.ts'
import type { WebSocketPosition, WebSocketSourceOptions } from './web-socket.ts'

/** As the browser's, as far as the source uses it. */
class FakeSocket extends EventTarget {
  binaryType = 'blob'
  readonly sent: string[] = []
  isClosed = false

  readonly #greets: readonly string[]

  constructor(greets: readonly string[] = []) {
    super()
    this.#greets = greets
  }

  /** As `new WebSocket`: what happens, happens after it. */
  begin(): WebSocket {
    queueMicrotask(() => {
      this.dispatchEvent(new Event('open'))
      for (const text of this.#greets) this.say(text)
    })
    return this as unknown as WebSocket
  }

  send(text: string): void {
    this.sent.push(text)
  }

  close(): void {
    this.isClosed = true
  }

  say(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }))
  }

  lose(): void {
    this.dispatchEvent(new CloseEvent('close', { code: 1006 }))
  }
}

const options: WebSocketSourceOptions = { url: 'ws://127.0.0.1:9/a' }

function openOn(socket: FakeSocket, more: Partial<WebSocketSourceOptions> = {}) {
  const clock = new VirtualClock(1_700_000_000_000)
  const stopping = new AbortController()
  const source = webSocketSourceOn({ ...options, ...more }, () => socket.begin())
  const context = { signal: stopping.signal, clock, random: seededRandom(1), notice: () => {} }
  const iterator = source.open(null, context)[Symbol.asyncIterator]()
  return { iterator, clock, stop: () => stopping.abort() }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await systemClock.nextTurn()
}

async function batch(next: Promise<IteratorResult<SourceBatch<WebSocketPosition>>>) {
  const { done, value } = await next
  assert.ok(done !== true)
  return value
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  )

let sockets: FakeSocket[] = []
defineSourceConformance(test, {
  name: 'web-socket',
  source: () =>
    webSocketSourceOn({ ...options, idleTimeout: '2h' }, () => {
      const socket = new FakeSocket(['a', 'b'])
      sockets.push(socket)
      void (async () => {
        for (let i = 0; i < 200 && !socket.isClosed; i++) {
          await systemClock.nextTurn()
          socket.say(`${i}`)
        }
      })()
      return socket.begin()
    }),
  compare: (a: WebSocketPosition, b: WebSocketPosition) => a.records - b.records,
  stepMs: 10,
  batchesMax: 5,
  openLog: openMemoryLog,
})

test('what was opened is closed', () => {
  expect(sockets.length).toBeGreaterThan(0)
  expect(sockets.every(({ isClosed }) => isClosed)).toBe(true)
  sockets = []
})

test('what is asked for is sent in order, and what comes is a record', async () => {
  const socket = new FakeSocket(['{"n":1}'])
  const { iterator } = openOn(socket, { subscribe: ['login', 'all'] })
  const { records, position } = await batch(iterator.next())
  expect(socket.sent).toEqual(['login', 'all'])
  expect(records).toEqual([{ key: null, value: '{"n":1}', time: 1_700_000_000_000 }])
  expect(position).toEqual({ records: 1 })
  const next = iterator.next()
  await turns()
  socket.say(new Uint8Array([1, 2]).buffer)
  expect((await batch(next)).records[0]?.value).toEqual(new Uint8Array([1, 2]))
  await iterator.return?.()
})

test('key, time and id are those of the functions; one that throws holds nothing up', async () => {
  const { iterator } = openOn(new FakeSocket(['{"k":"a","t":5,"id":7}', 'no JSON']), {
    key: (data) => (JSON.parse(String(data)) as { k: string }).k,
    time: (data) => (JSON.parse(String(data)) as { t: number }).t,
    id: (data) => (JSON.parse(String(data)) as { id: string }).id,
  })
  const { records } = await batch(iterator.next())
  expect(records).toEqual([
    { key: 'a', value: '{"k":"a","t":5,"id":7}', time: 5, id: '7' },
    { key: null, value: 'no JSON', time: 1_700_000_000_000 },
  ])
  await iterator.return?.()
})

test('answers that are no records are left out, without a commit of their own', async () => {
  const socket = new FakeSocket(['pong'])
  const { iterator } = openOn(socket, { filter: (data) => data !== 'pong' })
  const next = iterator.next()
  await turns()
  socket.say('a')
  expect((await batch(next)).records).toHaveLength(1)
  await iterator.return?.()
})

test('more than may wait: what is held is given, then the connection is given up', async () => {
  const socket = new FakeSocket()
  const { iterator } = openOn(socket, { bufferBytesMax: 2_000 })
  const first = iterator.next()
  await turns()
  for (let i = 0; i < 50; i++) socket.say('x'.repeat(100))
  expect(socket.isClosed).toBe(true)
  const { records } = await batch(first)
  expect(records).toHaveLength(10) // of 200 bytes, with what is around them
  const thrown = await failure(iterator.next())
  assert.ok(isCode(thrown, 'source-failed'))
  expect(thrown.message).toContain('more than 2000 bytes wait to be committed')
})

test('nothing comes: a ping after half of the time, the end after all of it', async () => {
  const socket = new FakeSocket()
  const { iterator, clock } = openOn(socket, { ping: 'are you there', idleTimeout: '8s' })
  const first = iterator.next()
  await turns()
  clock.advance(3_900)
  expect(socket.sent).toEqual([])
  clock.advance(100)
  expect(socket.sent).toEqual(['are you there'])
  socket.say('yes')
  expect((await batch(first)).records).toHaveLength(1)
  const second = failure(iterator.next())
  clock.advance(7_900)
  expect(socket.isClosed).toBe(false)
  clock.advance(2_100)
  expect(socket.isClosed).toBe(true)
  expect(await second).toMatchObject({ code: 'source-failed' })
})

test('no connection, or one that is lost, is a failure; no error shows the address', async () => {
  const lost = new FakeSocket()
  const { iterator } = openOn(lost, { url: 'wss://host/a?token=sesame' })
  const first = failure(iterator.next())
  await turns()
  lost.lose()
  const thrown = await first
  expect(thrown).toMatchObject({ code: 'source-failed' })
  expect(String(thrown)).not.toContain('sesame')

  const silent = new FakeSocket()
  silent.dispatchEvent = () => true
  const opening = openOn(silent, { connectTimeout: '5s' })
  const second = failure(opening.iterator.next())
  await turns()
  opening.clock.advance(5_000)
  expect(await second).toMatchObject({ code: 'source-failed' })
  expect(silent.isClosed).toBe(true)
})

test('what is too large is told, and others go on', async () => {
  const { iterator } = openOn(new FakeSocket(['a', 'x'.repeat(2_000), 'b']), {
    payloadBytesMax: 1_000,
  })
  const { records, refused } = await batch(iterator.next())
  expect(records.map(({ value }) => value)).toEqual(['a', 'b'])
  expect(refused?.map(({ code }) => code)).toEqual(['record-too-large'])
  await iterator.return?.()
})

test.for([
  ['an address of another kind', { url: 'http://host/?token=sesame' }],
  ['a key that is no function', { key: 5 }],
  ['a buffer that is too small', { bufferBytesMax: 5 }],
  ['a time that is too short', { idleTimeout: '1ms' }],
  ['an option that there is not', { topics: 'a' }],
] as const)('refuses %s', ([, wrong]) => {
  const make = (): unknown => webSocketSource({ ...options, ...wrong } as never)
  expect(make).toThrow(MillraceError)
  expect(make).not.toThrow(/sesame/)
})
