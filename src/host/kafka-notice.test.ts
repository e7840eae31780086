import assert from 'node:assert/strict'
import { test } from 'vitest'
import { kafkaNotice } from './kafka-notice.ts'
import { Awaited } from './log-notice.ts'

test('a broker is awaited from its loss until it answers', () => {
  const awaited = new Awaited()
  const place = '127.0.0.1:9092'
  const reason = 'broker 127.0.0.1:9092: connection refused'
  awaited.take(kafkaNotice({ kind: 'broker-away', place, reason, sinceMs: 0 }))
  const text =
    'broker 127.0.0.1:9092 is away since 1970-01-01T00:00:00.000Z: connection refused; ' +
    'it is tried again and again'
  assert.deepEqual(awaited.texts, [text])
  awaited.take(kafkaNotice({ kind: 'blocked', text: 'the event loop was blocked for 9 ms' }))
  awaited.take(kafkaNotice({ kind: 'broker-back', place: 'other:1', awayMs: 3 }))
  assert.deepEqual(awaited.texts, [text])
  const back = kafkaNotice({ kind: 'broker-back', place, awayMs: 12_345 })
  assert.equal(back.text, 'broker 127.0.0.1:9092 answers again, after 12.3 s')
  awaited.take(back)
  assert.deepEqual(awaited.texts, [])
})

test('what the group tells is told with its cause', () => {
  const error = new Error('no coordinator')
  const { text, state } = kafkaNotice({ kind: 'waiting', text: 'joining fails', error })
  assert.equal(text, 'joining fails: no coordinator')
  assert.equal(state, 'told')
  const blocked = kafkaNotice({ kind: 'blocked', text: 'the event loop was blocked for 9 ms' })
  assert.match(blocked.text, /blocked for 9 ms - raise session-timeout-ms/)
})
