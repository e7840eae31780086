import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import type { MqttPublish, MqttSubscription, Received } from '../mqtt/subscription.ts'
import { defineSourceConformance } from '../source.conformance.ts'
import { mqttSource, mqttSourceOn } from './mqtt.ts'
import type { MqttPosition, MqttSourceOptions } from './mqtt.ts'

const options: MqttSourceOptions = {
  url: 'mqtt://127.0.0.1:1883',
  topics: 'sensors/#',
  clientId: 'a',
}

/** Messages that are there from the beginning, and what became of them. */
class FakeSubscription implements MqttSubscription {
  readonly acknowledged: number[] = []
  readonly #waiting: Received[]
  isClosed = false

  constructor(messages: readonly Partial<MqttPublish>[]) {
    this.#waiting = messages.map((message, i) => ({
      message: messageOf(i, message),
      packetId: i + 1,
    }))
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length > 0 || signal.aborted) return
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  }

  take(countMax: number): Received[] {
    return this.#waiting.splice(0, Math.min(countMax, 7))
  }

  acknowledge(received: readonly Received[]): void {
    this.acknowledged.push(...received.map(({ packetId }) => packetId))
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

function messageOf(i: number, message: Partial<MqttPublish> = {}): MqttPublish {
  const payload = Buffer.from(`{"n":${i}}`)
  return { topic: `sensors/${i % 3}`, payload, qos: 1, retain: false, duplicate: false, ...message }
}

const messages = (count: number): Partial<MqttPublish>[] =>
  Array.from({ length: count }, () => ({}))

function openOn(
  subscription: MqttSubscription,
  more: Partial<MqttSourceOptions> = {},
  position: MqttPosition | null = null,
) {
  const stopping = new AbortController()
  const clock = new VirtualClock(1_700_000_000_000)
  const source = mqttSourceOn({ ...options, ...more }, async () => subscription)
  const context = { signal: stopping.signal, clock, random: seededRandom(1), notice: () => {} }
  const iterator = source.open(position, context)[Symbol.asyncIterator]()
  return { iterator, stop: () => stopping.abort() }
}

defineSourceConformance(test, {
  name: 'mqtt',
  source: () => mqttSourceOn(options, async () => new FakeSubscription(messages(50))),
  compare: (a: MqttPosition, b: MqttPosition) => a.messages - b.messages,
  stepMs: 10,
  batchesMax: 5,
  openLog: openMemoryLog,
})

test('a batch is acknowledged when the next one is asked for, not before, in order', async () => {
  const subscription = new FakeSubscription(messages(10))
  const { iterator } = openOn(subscription)
  const first = await iterator.next()
  expect(first.done !== true && first.value.records.length).toBe(7)
  expect(subscription.acknowledged).toEqual([])
  await iterator.next()
  expect(subscription.acknowledged).toEqual([1, 2, 3, 4, 5, 6, 7])
  await iterator.return?.() // nobody knows whether it was committed
  expect(subscription.acknowledged).toHaveLength(7)
  expect(subscription.isClosed).toBe(true)
})

test('a record has payload, topic as its key and now as its time, or what it is told', async () => {
  const plain = await openOn(new FakeSubscription(messages(1))).iterator.next()
  assert.ok(plain.done !== true)
  expect(plain.value.records).toEqual([
    { key: 'sensors/0', value: Buffer.from('{"n":0}'), time: 1_700_000_000_000 },
  ])
  const told = openOn(new FakeSubscription(messages(1)), {
    key: ({ topic }) => topic.split('/')[1] ?? null,
    time: () => 5,
    id: ({ payload }) => payload.toString(),
  })
  const { value } = await told.iterator.next()
  expect((value as { records: unknown }).records).toEqual([
    { key: '0', value: Buffer.from('{"n":0}'), time: 5, id: '{"n":0}' },
  ])
})

test('a function that throws holds nothing up: its default stands in', async () => {
  const broken = (): never => {
    throw new Error('no such field')
  }
  const opening = openOn(new FakeSubscription(messages(1)), {
    key: broken,
    time: broken,
    id: broken,
  })
  const { value } = await opening.iterator.next()
  expect((value as { records: unknown }).records).toEqual([
    { key: 'sensors/0', value: Buffer.from('{"n":0}'), time: 1_700_000_000_000 },
  ])
})

test('a message that is too large is told and acknowledged, and others go on', async () => {
  const subscription = new FakeSubscription([{}, { payload: Buffer.alloc(2_000) }, {}])
  const { iterator } = openOn(subscription, { payloadBytesMax: 1_000 })
  const { value, done } = await iterator.next()
  assert.ok(done !== true)
  expect(value.records).toHaveLength(2)
  expect(value.refused?.map(({ code }) => code)).toEqual(['record-too-large'])
  expect(value.position.messages).toBe(3)
})

test('topics of an earlier run that are not wanted any more are taken back', async () => {
  const asked: (readonly string[])[] = []
  const source = mqttSourceOn(options, async ({ dropped }) => {
    asked.push(dropped)
    return new FakeSubscription(messages(1))
  })
  const context = {
    signal: new AbortController().signal,
    clock: new VirtualClock(),
    random: seededRandom(1),
    notice: () => {},
  }
  const position = { messages: 5, topics: ['old/+', 'sensors/#'] }
  const iterator = source.open(position, context)[Symbol.asyncIterator]()
  const { value } = await iterator.next()
  expect(asked).toEqual([['old/+']])
  expect((value as { position: MqttPosition }).position.messages).toBe(6)
  await iterator.return?.()
})

test.for([
  ['an address of another kind', { url: 'http://a:b@host' }],
  ['no address', { url: 'host:1883' }],
  ['no topic', { topics: [] }],
  ['# that is not last', { topics: 'a/#/b' }],
  ['+ within a level', { topics: 'a/b+' }],
  ['no client id', { clientId: '' }],
  ['QoS 2', { qos: 2 }],
  ['version 3', { version: 3 }],
  ['a password without user', { password: 'sesame' }],
  ['a key that is no function', { key: 'topic' }],
  ['too many in flight', { receiveMaximum: 70_000 }],
  ['an option that there is not', { topic: 'a' }],
  ['a name that no source has', { name: 'a b' }],
  ['a connection in no time', { connectTimeout: '1ms' }],
] as const)('refuses %s', ([, wrong]) => {
  const make = (): unknown => mqttSource({ ...options, ...wrong } as unknown as MqttSourceOptions)
  expect(make).toThrow(MillraceError)
  try {
    make()
  } catch (thrown) {
    assert.ok(isCode(thrown, 'invalid-argument'))
    expect(`${thrown.message} ${thrown.hint}`).not.toMatch(/sesame|a:b/)
    expect(thrown.hint).toMatch(/^(use|its options are|say|write it like|a name has) /)
  }
})
