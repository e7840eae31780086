import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openEmbeddedLog } from '../../log/embedded/embedded-log.ts'
import { faultyLog, seededFaults } from '../../log/log.faulty.ts'
import { openMemoryLog } from '../../log/memory/memory-log.ts'
import { Letters } from '../../engine/letters.ts'
import { Outputs } from '../../engine/outputs.ts'
import type { Log } from '../../log/log.ts'
import * as cases from '../../../test/letters/settle-cases.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))

for (const { title, run } of cases.settleCases) {
  test(`memory: ${title}`, async () => {
    const log = openMemoryLog()
    await run({ log, other: log, topic: 't' })
    await log.close()
  })

  test(`embedded: ${title}`, async () => {
    const place = { dir: join(dir, title.replaceAll(/\W/g, '-').slice(0, 40)) }
    const log = await openEmbeddedLog(place)
    const other = await openEmbeddedLog(place)
    await run({ log, other, topic: 't' })
    await Promise.all([log.close(), other.close()])
  })
}

test('whatever becomes of commits, each letter is replayed once', async () => {
  let met = 0
  for (let seed = 1; seed <= 40; seed++) {
    const log = openMemoryLog()
    await cases.refuse(log, 't', { count: 1_200 })
    const faulty = faultyLog(log, seededFaults(seed, { percent: 50, delayMsMax: 2 }))
    let settled = 0
    for (let i = 0; i < 3; i++) {
      const done = await cases.settle(faulty, 't.dead', i === 1 ? 'discard' : 'replay', {
        limit: 500,
      })
      settled += done.settled
    }
    expect(settled, `seed ${seed}`).toBe(1_200)
    const keys = (await cases.replayedIn(log, 't')).map(({ key }) => key)
    expect([keys.length, new Set(keys).size], `seed ${seed}`).toEqual([700, 700])
    const states = await cases.statesOf(log, 't.dead')
    expect(
      states.filter((state) => state === 'discarded'),
      `seed ${seed}`,
    ).toHaveLength(500)
    expect(faulty.violations, `seed ${seed}`).toEqual([])
    met += faulty.met.length
    await log.close()
  }
  expect(met).toBeGreaterThan(100)
})

/** A letter about a result of record 0 of `t`. */
async function refuseResult(log: Log, offset: number, value: unknown = { n: 1 }): Promise<void> {
  const outputs = new Outputs()
  outputs.declare({ name: 't.dead', partitionCount: 2, recordBytesMax: 20_000, compact: false })
  const cause = offset < 0 ? null : { topic: 't', partition: 0, offset }
  outputs.begin()
  new Letters(outputs, 't', 'p').deadResult(
    { value, key: 'r', timeMs: 9, cause },
    'call',
    new Error('x'),
  )
  await log.append(outputs.take())
}

test('of a result, the record behind it is replayed where that is wanted, once', async () => {
  const log = openMemoryLog()
  await cases.refuse(log, 't', { count: 2 })
  await cases.settle(log, 't.dead', 'discard')
  await refuseResult(log, 0)
  await refuseResult(log, 0, 'x'.repeat(30_000))
  await refuseResult(log, -1)
  await refuseResult(log, 77)
  expect(await cases.settle(log, 't.dead', 'replay')).toMatchObject({
    settled: 0,
    skipped: { result: 3, 'no-record': 1, gone: 0 },
  })
  expect(await cases.settle(log, 't.dead', 'replay', { takesInputs: true })).toMatchObject({
    settled: 2,
    skipped: { result: 0, 'no-record': 1, gone: 1 },
  })
  expect(await cases.replayedIn(log, 't')).toMatchObject([{ key: 'k0', time: 1_000 }])
  expect(await cases.settle(log, 't.dead', 'discard')).toMatchObject({ settled: 2 })
})

test('the chain goes on where a replayed record dies again', async () => {
  const log = openMemoryLog()
  await cases.refuse(log, 't', { count: 1 })
  await cases.settle(log, 't.dead', 'replay')
  const [again] = await cases.replayedIn(log, 't')
  const headers = Object.entries(again?.headers ?? {}).map(([name, value]) => {
    return { name, value: Buffer.from(value) }
  })
  const outputs = new Outputs()
  outputs.declare({ name: 't.dead', partitionCount: 2, recordBytesMax: 20_000, compact: false })
  const origin = { topic: 't', partition: 0, offset: 1, key: null, value: null, timeMs: 5, headers }
  outputs.begin()
  new Letters(outputs, 't', 'p').dead({ ...origin, form: 'raw' }, 'map', new Error('again'))
  await log.append(outputs.take())
  const [, letter] = await cases.seenIn(log, 't.dead')
  expect(letter?.headers).toMatchObject({
    'millrace-letter': 't.dead/0/0',
    'millrace-first': 't/0/0',
    'millrace-attempt': '1',
    trace: '7',
  })
  expect(letter?.headers).not.toHaveProperty('millrace-for')
  await cases.settle(log, 't.dead', 'replay')
  expect((await cases.replayedIn(log, 't'))[1]?.headers).toMatchObject({
    'millrace-letter': 't.dead/0/1',
    'millrace-first': 't/0/0',
    'millrace-attempt': '2',
    trace: '7',
  })
})

test('for whom it is can be said; marks of a topic made anew count for nothing', async () => {
  const log = openMemoryLog()
  await cases.refuse(log, 't', { count: 1, step: 'one' })
  await cases.settle(log, 't.dead', 'replay', { address: 'all' })
  await log.deleteTopic('t.dead')
  await cases.refuse(log, 't', { count: 1, step: 'two' })
  const address = { pipeline: 'q' }
  expect(await cases.settle(log, 't.dead', 'replay', { address })).toMatchObject({ settled: 1 })
  const named = (await cases.replayedIn(log, 't')).map(({ headers }) => headers['millrace-for'])
  expect(named).toEqual([undefined, 'q'])
})

test('a record that headers make too large stays a letter; a stop keeps what is done', async () => {
  const log = openMemoryLog()
  await cases.refuse(log, 't', { count: 4 })
  await log.alterTopic('t', { recordBytesMax: 60 })
  const tooLarge = { skipped: { 'too-large': 4 }, isComplete: true }
  expect(await cases.settle(log, 't.dead', 'replay')).toMatchObject(tooLarge)
  await log.alterTopic('t', { recordBytesMax: 1_000 })
  let asked = 0
  const isStopped = (): boolean => (asked += 1) > 3
  expect(await cases.settle(log, 't.dead', 'replay', { isStopped })).toMatchObject({
    settled: 3,
    isComplete: false,
  })
  expect(await cases.replayedIn(log, 't')).toHaveLength(3)
})

test('late letters are replayed where that is asked for', async () => {
  const log = openMemoryLog()
  await cases.refuse(log, 't', { count: 1 })
  await log.createTopic('t.late')
  const outputs = new Outputs()
  outputs.declare({ name: 't.late', partitionCount: 1, recordBytesMax: 20_000, compact: false })
  const origin = { topic: 't', partition: 0, offset: 0, key: null, value: Buffer.from('v') }
  outputs.begin()
  new Letters(outputs, 't', 'p').late(
    { ...origin, timeMs: 5, headers: [cases.own], form: 'raw' },
    'count',
    { watermarkMs: 20, windowEndMs: 10 },
  )
  await log.append(outputs.take())
  const choice = { reason: 'late', step: 'count' }
  expect(await cases.settle(log, 't.late', 'replay', { choice })).toMatchObject({ settled: 1 })
  expect(await cases.replayedIn(log, 't')).toMatchObject([
    { value: 'v', time: 5, headers: { trace: '7', 'millrace-letter': 't.late/0/0' } },
  ])
  expect(await cases.statesOf(log, 't.dead')).toEqual(['open'])
})
