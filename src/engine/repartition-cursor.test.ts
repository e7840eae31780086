import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import { ValueWriter } from '../core/value-codec.ts'
import { BatchBuilder } from '../log/batch.ts'
import { FeedSession } from '../testing/feed-session.ts'
import { encodeMark, RepartitionCursor } from './repartition-cursor.ts'
import { InputClock } from './watermark.ts'

type Sent =
  | { readonly key: string; readonly value: unknown; readonly timeMs: number }
  | { readonly task: number; readonly watermarkMs: number; readonly idle: boolean }

function open(upstreamTasks: number) {
  const session = new FeedSession([{ topic: 'p.k.repartition', partition: 3 }])
  const clock = new InputClock(
    { outOfOrderMs: 0, idleAfterMs: Number.POSITIVE_INFINITY, idle: 'advance' },
    0,
  )
  const told: string[] = []
  const cursor = new RepartitionCursor({
    input: 0,
    place: { topic: 'p.k.repartition', partition: 3 },
    session,
    clock,
    entry: () => {},
    step: 'k',
    upstreamTasks,
    homeTopic: 'home',
    onMark: ({ reachedMs, idle }) => told.push(`${reachedMs}${idle ? ' idle' : ''}`),
  })
  const send = (...sent: readonly Sent[]): void => {
    const builder = new BatchBuilder()
    const writer = new ValueWriter()
    for (const one of sent) {
      if ('task' in one) builder.add(null, encodeMark(writer, one), 0)
      else {
        writer.reset()
        writer.writeValue(one.key)
        writer.writeValue(one.value)
        builder.add(one.key, writer.bytes(), one.timeMs)
      }
    }
    session.feed(0, builder.finish())
  }
  return { cursor, clock, told, send, session }
}

test('records come with key, value and time as they were sent; marks are taken on the way', () => {
  const { cursor, told, send } = open(1)
  assert.equal(cursor.pull(), false)
  const value = { at: new Date(5), big: 7n, none: undefined }
  send({ key: 'a', value, timeMs: -3 }, { task: 0, watermarkMs: 10, idle: false })
  send({ key: '', value: null, timeMs: 4 })
  assert.equal(cursor.pull(), true)
  assert.deepEqual([cursor.key, cursor.value, cursor.timeMs, cursor.position], ['a', value, -3, 0])
  assert.deepEqual(told, []) // the mark stands behind the record
  cursor.pass()
  assert.equal(cursor.pull(), true)
  assert.deepEqual(told, ['10'])
  assert.deepEqual([cursor.key, cursor.value, cursor.timeMs, cursor.position], ['', null, 4, 2])
  cursor.pass()
  assert.equal(cursor.pull(), false)
  assert.equal(cursor.position, 3)
})

test('event time is the least of all upstream tasks, once each has spoken', () => {
  const { cursor, clock, send, told } = open(2)
  send({ task: 0, watermarkMs: 100, idle: false })
  cursor.pull()
  assert.deepEqual([clock.reachedMs, told], [-Infinity, []])
  send({ task: 1, watermarkMs: 40, idle: false }, { task: 1, watermarkMs: 70, idle: false })
  cursor.pull()
  assert.deepEqual([clock.reachedMs, told], [70, ['40', '70']])
  send({ task: 5, watermarkMs: 0, idle: false }) // of a run with more tasks
  cursor.pull()
  assert.equal(clock.reachedMs, 70)
})

test('a task that is idle holds nothing back; all idle makes the input idle; never back', () => {
  const { cursor, clock, send } = open(2)
  send({ task: 0, watermarkMs: 100, idle: false }, { task: 1, watermarkMs: 40, idle: true })
  cursor.pull()
  assert.deepEqual([clock.reachedMs, clock.idle], [100, false])
  send({ task: 0, watermarkMs: 100, idle: true })
  cursor.pull()
  assert.deepEqual([clock.reachedMs, clock.idle], [100, true])
  send({ task: 1, watermarkMs: 60, idle: false })
  cursor.pull()
  assert.deepEqual([clock.reachedMs, clock.idle], [100, false])
})

test('a letter for a record names the home topic and has the value as JSON', () => {
  const { cursor, send } = open(1)
  send({ key: 'a', value: { n: 1n }, timeMs: 8 })
  cursor.pull()
  const { topic, partition, offset, key, value, timeMs } = cursor.origin()
  assert.deepEqual([topic, partition, offset, timeMs], ['home', 3, -1, 8])
  assert.deepEqual([String(key), String(value)], ['a', '{"n":"1"}'])
})

test('a record without value was not written by us', () => {
  const { cursor, session } = open(1)
  const builder = new BatchBuilder()
  builder.add('k', null, 1)
  session.feed(0, builder.finish())
  assert.throws(
    () => cursor.pull(),
    (thrown) => isCode(thrown, 'state-corrupt'),
  )
})

test('all fall idle before the last of them speaks: event time stands where they left it', () => {
  const { cursor, clock, told, send } = open(3)
  send(
    { task: 2, watermarkMs: 7, idle: false },
    { task: 2, watermarkMs: 7, idle: true },
    { task: 0, watermarkMs: Number.NEGATIVE_INFINITY, idle: true },
  )
  cursor.pull()
  assert.deepEqual([clock.reachedMs, clock.idle, told], [-Infinity, false, []])
  send({ task: 1, watermarkMs: 9, idle: true })
  cursor.pull()
  assert.deepEqual([clock.reachedMs, clock.idle, told], [7, true, ['7', '7 idle']])
})
