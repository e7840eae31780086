import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isCode } from '../core/error.ts'
import { count, from, string, topic, tumbling } from '../index.ts'
import { testPipeline } from './test-pipeline.ts'

const words = topic('words', { codec: string(), key: (word) => word, idleAfter: '5s' })
const counts = topic('counts')
const counting = () => from(words).window(tumbling('10s')).aggregate({ n: count() }).to(counts)

test('a case costs less than 5 ms', () => {
  const caseOnce = (): void => {
    const pipeline = testPipeline(counting())
    for (let i = 0; i < 10; i++) pipeline.push(words, 'a', { time: i * 2000 })
    pipeline.advance('1h')
    assert.equal(pipeline.outputs('counts').length, 2)
  }
  caseOnce() // the first one compiles
  const before = process.cpuUsage()
  for (let i = 0; i < 100; i++) caseOnce()
  const { user, system } = process.cpuUsage(before)
  const eachMs = (user + system) / 1000 / 100
  assert.ok(eachMs < 5, `${eachMs} ms of CPU time`)
})

test('time stands still until it is advanced; records have the virtual time', () => {
  const pipeline = testPipeline(from(words).to(counts), { startMs: 1000 })
  pipeline.push(words, 'a')
  pipeline.advance('2s')
  pipeline.push(words, 'b')
  assert.deepEqual(
    pipeline.records('counts').map(({ time, value }) => [time, value]),
    [
      [1000, 'a'],
      [3000, 'b'],
    ],
  )
  assert.equal(pipeline.watermark(), 3000)
})

test('advance meets every timer at its own instant, however far it goes', () => {
  const near = testPipeline(counting())
  const far = testPipeline(counting())
  for (const pipeline of [near, far]) {
    for (const time of [1000, 12_000, 23_000]) pipeline.push(words, 'a', { time })
  }
  for (let i = 0; i < 60; i++) near.advance('1s')
  far.advance('1m')
  assert.deepEqual(far.records('counts'), near.records('counts'))
  assert.equal(far.outputs('counts').length, 3)
  assert.equal(far.watermark(), near.watermark())
})

test('idle makes an input idle without waiting; `wait` stands', () => {
  const pipeline = testPipeline(counting())
  assert.equal(pipeline.watermark(), null)
  pipeline.push(words, 'a', { time: 9000 })
  pipeline.idle(words)
  pipeline.advance('1s')
  assert.equal(pipeline.outputs('counts').length, 1)
  const waiting = topic('words', { codec: string(), key: 'record', idle: 'wait' })
  const stays = testPipeline(
    from(waiting).window(tumbling('10s')).aggregate({ n: count() }).to(counts),
  )
  stays.push(waiting, 'a', { key: 'k', time: 9000 })
  stays.idle()
  stays.advance('1d')
  assert.deepEqual(stays.outputs('counts'), [])
})

test('an idle input holds the others back no longer', () => {
  const others = topic('others', { codec: string(), key: 'record' })
  const pipeline = testPipeline(
    from(words).merge(from(others)).window(tumbling('10s')).aggregate({ n: count() }).to(counts),
  )
  pipeline.push(words, 'a', { time: 30_000 })
  assert.equal(pipeline.watermark(), null)
  pipeline.idle(others)
  assert.equal(pipeline.watermark(), 30_000)
  pipeline.push(words, 'a', { time: 50_000 })
  assert.equal(pipeline.outputs('counts').length, 1)
})

test('topics that the pipeline does not know are refused', () => {
  const pipeline = testPipeline(counting())
  const unknown = (thrown: unknown): boolean => isCode(thrown, 'unknown-topic')
  assert.throws(() => pipeline.push('nowhere', 'a'), unknown)
  assert.throws(() => pipeline.outputs('words'), unknown)
  assert.throws(
    () => pipeline.push(words, 'a', { partition: 7 }),
    (thrown) => isCode(thrown, 'unknown-partition'),
  )
})
