import assert from 'node:assert/strict'
import { test } from 'vitest'
import { z } from 'zod'
import { BatchBuilder } from '../log/batch.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { from, json, string, topic } from '../index.ts'
import type { StandardSchema } from '../index.ts'
import { testPipeline } from '../testing/test-pipeline.ts'
import { start, until } from './conformance/engine-probe.ts'

interface Reading {
  readonly id: string
  readonly at: string
}

/** Wants `{ id, at }`, both text; gives `at` as a number. */
const schema: StandardSchema<unknown, { id: string; at: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { id, at } = (value ?? {}) as Partial<Reading>
      if (typeof id !== 'string') return { issues: [{ message: 'expected text', path: ['id'] }] }
      return { value: { id, at: Number(at) } }
    },
  },
}

const readings = topic('readings', { schema, key: (r) => r.id, time: (r) => r.at })
const out = topic('out')

test('the schema’s output is what the pipeline sees; key and time come from it', () => {
  const pipeline = testPipeline(from(readings).to(out))
  pipeline.pushBytes(readings, '{"id":"a","at":"5"}', { key: 'other', time: 99 })
  assert.deepEqual(
    pipeline.records('out').map(({ key, value, time }) => [key, value, time]),
    [['a', { id: 'a', at: 5 }, 5]],
  )
})

test('what does not decode, fit or have a time: one dead letter each, the rest goes on', () => {
  const pipeline = testPipeline(from(readings).to(out))
  const bad: [string | null | Uint8Array, string][] = [
    ['{"id":', 'decode-failed'],
    ['', 'decode-failed'],
    [Buffer.from([0x22, 0xff, 0x22]), 'decode-failed'],
    ['{"id":5}', 'validation-failed'],
    ['null', 'validation-failed'],
    [null, 'validation-failed'], // a tombstone is no reading
    ['{"id":"a","at":"soon"}', 'validation-failed'],
  ]
  for (const [bytes] of bad) pipeline.pushBytes(readings, bytes)
  pipeline.pushBytes(readings, '{"id":"a","at":"1"}')
  const letters = pipeline.deadLetters()
  assert.deepEqual(
    letters.map(({ reason, step, offset }) => [reason, step, offset]),
    bad.map(([, reason], offset) => [reason, 'readings', offset]),
  )
  assert.deepEqual(
    letters.map(({ value }) => value),
    bad.map(([bytes]) => (bytes === null ? null : String(bytes))),
  )
  assert.match(letters[3]?.message ?? '', /id: expected text/)
  assert.equal(pipeline.outputs('out').length, 1)
})

test('O4 key and time functions that throw are the record’s fault, at the source', () => {
  const source = topic('in', {
    codec: json<{ k: string; t: number }>(),
    key: (r) => r.k.toLowerCase(),
    time: (r) => {
      if (r.t === 13) throw new Error('thirteen')
      return r.t
    },
  })
  const pipeline = testPipeline(from(source).to(out))
  for (const text of ['{"t":1}', '{"k":"A","t":13}', '{"k":"A","t":14}']) {
    pipeline.pushBytes(source, text)
  }
  assert.deepEqual(
    pipeline.deadLetters().map(({ reason, step }) => [reason, step]),
    [
      ['step-failed', 'in'],
      ['step-failed', 'in'],
    ],
  )
  assert.deepEqual(
    pipeline.records('out').map(({ key, time }) => [key, time]),
    [['a', 14]],
  )
  assert.equal(pipeline.watermark(), 14)
})

test('dead letters hold the raw bytes, also of a key and a value that are no UTF-8', async () => {
  const log = openMemoryLog()
  await log.createTopic('in')
  const { run } = await start(log, from(topic('in', { codec: string(), key: 'record' })).to(out))
  const [badKey, badValue] = [Buffer.from([0x6b, 0xc3]), Buffer.from([0xff, 0x00, 0xfe])]
  const builder = new BatchBuilder()
  builder.add('k', badValue, 1)
  builder.add(badKey, 'v', 2)
  builder.add('good', 'v', 3)
  await log.append([{ topic: 'in', partition: 0, bytes: builder.finish() }])
  const endOf = async (name: string): Promise<number> =>
    (await log.describeTopic(name)).partitions[0]?.endOffset ?? 0
  await until('the good one', async () => (await endOf('out')) === 1)
  await run.stop()
  const reader = await log.openReader([{ topic: 'in.dead', partition: 0, offset: 0 }])
  const batch = reader.poll(0)
  assert.equal(batch?.count, 2)
  assert.deepEqual([batch?.value(0), batch?.key(1)], [badValue, badKey])
  await reader.close()
})

test('a schema that validates asynchronously stops the task: every record would show it', () => {
  const later = z.string().refine(async () => true)
  const lines = topic('lines', { schema: later })
  const driver = testPipeline(from(lines).print())
  assert.throws(() => driver.push(lines, 'a'), { code: 'invalid-schema' })
  assert.deepEqual(driver.deadLetters(), [])
})

test('a generator of flatMap is closed when a later step throws', () => {
  let closed = 0
  const lines = topic('lines', { codec: string() })
  function* letters(line: string): Generator<string> {
    try {
      yield* line.split('')
    } finally {
      closed += 1
    }
  }
  const refuse = (letter: string): string => {
    if (letter === 'b') throw new Error('no b')
    return letter
  }
  const driver = testPipeline(from(lines).flatMap(letters).map(refuse).print())
  driver.push(lines, 'abc')
  assert.equal(closed, 1)
  assert.deepEqual(
    driver.deadLetters().map(({ step, value }) => [step, value]),
    [['lines.map', 'abc']],
  )
  assert.equal(driver.printed(), '')
})
