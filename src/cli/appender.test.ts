import { expect, test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import type { AppendBatch, Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { partitionOf } from '../log/partitioner.ts'
import { Appender } from './appender.ts'

/** A log whose appends wait until they are let go. */
function heldLog(inner: Log) {
  const calls: { batches: readonly AppendBatch[]; go: (failure?: unknown) => void }[] = []
  const append: Log['append'] = async (batches) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const go = (failure?: unknown): void => (failure === undefined ? resolve() : reject(failure))
    calls.push({ batches, go })
    await promise
    return await inner.append(batches)
  }
  const log: Log = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'append') return append
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { log, calls }
}

const bytes = (text: string): Buffer => Buffer.from(text)

async function setUp(partitions = 1) {
  const inner = openMemoryLog()
  const topic = await inner.createTopic('t', { partitions })
  const { log, calls } = heldLog(inner)
  const failures: string[] = []
  const appender = new Appender(log, topic, () => failures.push('failed'))
  const ends = async () => (await inner.describeTopic('t')).partitions.map((part) => part.endOffset)
  return { inner, calls, appender, failures, ends }
}

test('what comes during an append is gathered for the next one, in order', async () => {
  const { calls, appender, ends } = await setUp()
  appender.add(null, bytes('1'), 1)
  appender.flush()
  for (let i = 0; i < 1200; i++) {
    appender.add(null, bytes('x'), 2)
    appender.flush()
  }
  expect(calls.length).toBe(1)
  expect(appender.acknowledged).toBe(0)
  calls[0]?.go()
  const finished = appender.finish()
  await expect.poll(() => calls.length).toBe(2)
  expect(appender.acknowledged).toBe(1)
  calls[1]?.go()
  await finished
  expect(calls.length).toBe(2)
  expect(appender.acknowledged).toBe(1201)
  expect(await ends()).toEqual([1201])
})

test('batches hold at most 500 records', async () => {
  const { calls, appender, inner } = await setUp()
  for (let i = 0; i < 1300; i++) appender.add(null, bytes('x'), 1)
  const finished = appender.finish()
  calls[0]?.go()
  await finished
  const reader = await inner.openReader([{ topic: 't', partition: 0, offset: 0 }])
  expect([0, 1, 2].map(() => reader.poll(0)?.count)).toEqual([500, 500, 300])
})

test('L7 a key always goes to its own partition, records without key to all', async () => {
  const { calls, appender, ends } = await setUp(4)
  for (let i = 0; i < 100; i++) appender.add(bytes('k'), bytes('v'), 1)
  const keyed = appender.finish()
  calls[0]?.go()
  await keyed
  const of = partitionOf(bytes('k'), 4)
  expect(await ends()).toEqual([0, 1, 2, 3].map((partition) => (partition === of ? 100 : 0)))
  for (let i = 0; i < 1000; i++) appender.add(null, bytes('v'), 1)
  const keyless = appender.finish()
  calls[1]?.go()
  await keyless
  expect((await ends()).every((end) => end >= 200)).toBe(true)
})

test('after a failure nothing more is written, and finish throws it', async () => {
  const { calls, appender, failures, ends } = await setUp()
  appender.add(null, bytes('1'), 1)
  appender.flush()
  appender.add(null, bytes('2'), 1)
  calls[0]?.go(new MillraceError('disk-full', 'the disk is full'))
  await expect(appender.finish()).rejects.toMatchObject({ code: 'disk-full' })
  expect(failures).toEqual(['failed'])
  expect(calls.length).toBe(1)
  expect(appender.acknowledged).toBe(0)
  expect(await ends()).toEqual([0])
})

test('an unknown outcome says which records are in doubt', async () => {
  const { calls, appender } = await setUp()
  appender.add(null, bytes('1'), 1)
  appender.flush()
  calls[0]?.go()
  await expect.poll(() => appender.acknowledged).toBe(1)
  for (let i = 0; i < 3; i++) appender.add(null, bytes('2'), 1)
  appender.flush()
  calls[1]?.go(new MillraceError('commit-unknown', 'the commit broke off', { outcome: 'unknown' }))
  await expect(appender.finish()).rejects.toMatchObject({
    code: 'commit-unknown',
    outcome: 'unknown',
    message: 'the commit broke off; records 2 to 4 of this input may have been written',
  })
})

test('L6 waits for room when too much is gathered', async () => {
  const { calls, appender } = await setUp()
  appender.add(null, bytes('1'), 1)
  appender.flush()
  const chunk = Buffer.alloc(1_000_000)
  while (appender.waitingBytes < 9_000_000) appender.add(null, chunk, 1)
  let hasRoom = false
  const room = appender.room().then(() => (hasRoom = true))
  await new Promise(setImmediate)
  expect(hasRoom).toBe(false)
  calls[0]?.go()
  await room
  expect(appender.waitingBytes).toBeLessThan(8 * 1_048_576)
  calls[1]?.go()
})
