import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import { RecordBatch } from '../log/batch.ts'
import { jsonText, letterHeaderBytesMax, Letters } from './letters.ts'
import type { Origin } from './letters.ts'
import { Outputs } from './outputs.ts'

const origin: Origin = {
  topic: 't',
  partition: 1,
  offset: 17,
  key: Buffer.from('k'),
  value: Buffer.from([0xff, 0x00]),
  timeMs: 5,
  headers: [],
  form: 'raw',
}

/** Letters' topics of `t` with two partitions, of `home` with one. */
function open(recordBytesMax = 1_000_000) {
  const outputs = new Outputs()
  for (const [name, partitionCount] of [
    ['t', 2],
    ['home', 1],
  ] as const) {
    for (const kind of ['dead', 'late']) {
      outputs.declare({ name: `${name}.${kind}`, partitionCount, recordBytesMax, compact: false })
    }
  }
  const letters = new Letters(outputs, 'home', 'p')
  const only = () => {
    const blocks = outputs.take()
    assert.equal(blocks.length, 1)
    const { topic, partition, bytes } = blocks[0] as (typeof blocks)[0]
    const batch = new RecordBatch(topic, partition, 0, bytes)
    assert.equal(batch.count, 1)
    const headers = new Map(batch.headers(0).map(({ name, value }) => [name, String(value)]))
    return {
      place: `${topic}/${partition}`,
      key: batch.key(0),
      value: batch.value(0),
      time: batch.time(0),
      headers,
    }
  }
  return { letters, only }
}

test('a dead letter has the raw bytes, why, and where from, in the partition of its input', () => {
  const { letters, only } = open()
  letters.dead(origin, 'step', new TypeError('no such thing'))
  const { place, key, value, time, headers } = only()
  assert.equal(place, 't.dead/1')
  assert.deepEqual([key?.toString(), [...(value ?? [])], time], ['k', [0xff, 0x00], 5])
  assert.match(headers.get('millrace-stack') ?? '', /^TypeError: no such thing\n/)
  headers.delete('millrace-stack')
  assert.deepEqual(Object.fromEntries(headers), {
    'millrace-reason': 'step-failed',
    'millrace-message': 'no such thing',
    'millrace-step': 'step',
    'millrace-topic': 't',
    'millrace-partition': '1',
    'millrace-offset': '17',
    'millrace-time': '5',
    'millrace-pipeline': 'p',
  })
})

test('an error of ours gives its code and no stack; what is thrown need not be an Error', () => {
  const { letters, only } = open()
  letters.dead({ ...origin, key: null, value: null }, 's', new MillraceError('decode-failed', 'x'))
  const { key, value, headers } = only()
  assert.deepEqual([key, value], [null, null])
  assert.equal(headers.get('millrace-reason'), 'decode-failed')
  assert.equal(headers.has('millrace-stack'), false)
  for (const thrown of ['text', undefined, null, 5, Symbol('s'), { a: 1 }]) {
    letters.dead(origin, 's', thrown)
    assert.equal(only().headers.get('millrace-reason'), 'step-failed')
  }
})

test('a late letter tells the watermark and the end of the window', () => {
  const { letters, only } = open()
  letters.late(origin, 's', { watermarkMs: 10_000, windowEndMs: 9000 })
  const { place, headers } = only()
  assert.equal(place, 't.late/1')
  const told = ['reason', 'watermark', 'window-end'].map((name) => headers.get(`millrace-${name}`))
  assert.deepEqual(told, ['late', '10000', '9000'])
})

test('a result that fails goes to the home topic, as JSON', () => {
  const { letters, only } = open()
  letters.deadResult({ value: { n: 1n }, key: ['a', 1], timeMs: 7 }, 's', new Error('x'))
  const { place, key, value, headers } = only()
  assert.equal(place, 'home.dead/0')
  assert.deepEqual([key?.toString(), value?.toString()], ['["a",1]', '{"n":"1"}'])
  assert.equal(headers.get('millrace-value'), 'json')
})

test('a key that is no UTF-8, for which a result failed, does not fail the letter', () => {
  const { letters, only } = open()
  letters.deadResult({ value: 1, key: 'a\ud800', timeMs: 7 }, 's', new Error('x'))
  assert.equal(only().key?.toString(), 'a\ufffd')
})

test('headers stay within their room, whatever the text; characters are not cut in half', () => {
  const { letters, only } = open(1000 + letterHeaderBytesMax)
  const long = new Error(`x${'€'.repeat(20_000)}`)
  letters.dead({ ...origin, key: null, value: Buffer.alloc(1000) }, 'é'.repeat(5000), long)
  const { value, headers } = only()
  assert.equal(value?.length, 1000) // the raw value is whole
  const message = headers.get('millrace-message') ?? ''
  assert.equal(message, `x${'€'.repeat(1333)}`)
})

test('a value too large for the letters’ topic is cut, and the letter says so', () => {
  const { letters, only } = open(1000 + letterHeaderBytesMax)
  letters.deadResult({ value: 'x'.repeat(5000), key: 'k', timeMs: 7 }, 's', new Error('x'))
  const { value, headers } = only()
  assert.equal(value?.toString(), `"${'x'.repeat(998)}`)
  assert.equal(headers.get('millrace-cut'), '5002')
})

test('JSON of anything', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  assert.equal(jsonText(undefined), 'null')
  assert.equal(jsonText({ a: 5n }), '{"a":"5"}')
  assert.equal(jsonText(cycle), '""')
})
