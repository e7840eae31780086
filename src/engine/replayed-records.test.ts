import assert from 'node:assert/strict'
import { test } from 'vitest'
import { BatchBuilder } from '../log/batch.ts'
import type { Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { from, json, output, string, topic } from '../index.ts'
import { replayHeaders } from '../pipeline/replay-headers.ts'
import { replayedIn, seenIn, settle } from '../../test/letters/settle-cases.ts'
import { give, start, texts, until } from './conformance/engine-probe.ts'

const place = { topic: 'in.dead', partition: 0, offset: 0 }
const chain = { letter: place, first: { ...place, topic: 'in' }, attempt: 1 }

async function append(log: Log, values: readonly (readonly [string, string | null])[]) {
  const builder = new BatchBuilder()
  for (const [value, pipeline] of values) {
    builder.add(null, value, 0, pipeline === '' ? [] : replayHeaders(chain, pipeline))
  }
  await log.append([{ topic: 'in', partition: 0, bytes: builder.finish() }])
}

test('a replayed record is for the pipeline that refused it, or for all', async () => {
  const log = openMemoryLog()
  await log.createTopic('in')
  const copy = (out: string) =>
    from(topic('in', { codec: string() })).to(topic(out, { codec: string() }))
  const p = await start(log, copy('p-out'), { name: 'p' })
  const q = await start(log, copy('q-out'), { name: 'q' })
  await append(log, [
    ['one', ''],
    ['two', 'q'],
    ['three', null],
    ['four', 'p'],
    ['five', 'other'],
    ['six', ''],
  ])
  const ofP = ['one', 'three', 'four', 'six']
  const ofQ = ['one', 'two', 'three', 'six']
  await until('p is done', async () => (await texts(log, 'p-out')).length >= ofP.length)
  await until('q is done', async () => (await texts(log, 'q-out')).length >= ofQ.length)
  await Promise.all([p.run.stop(), q.run.stop()])
  assert.deepEqual(await texts(log, 'p-out'), ofP)
  assert.deepEqual(await texts(log, 'q-out'), ofQ)
  // What was passed over is read: nothing is left behind.
  const [ends] = (await log.groups()).filter(({ group }) => group === 'p')
  assert.deepEqual(
    ends?.offsets.map(({ offset }) => offset),
    [6],
  )
})

interface Sale {
  readonly shop: string
  readonly euros: number
}

/** Counts by shop, behind a repartition; fails for one of the records there. */
function perShop(fails: boolean) {
  const sales = topic('sales', { codec: json<Sale>(), key: 'record', partitions: 2 })
  return from(sales)
    .keyBy((sale) => sale.shop)
    .filter((sale) => sale.euros >= 0)
    .process({
      emits: output<string>(),
      onRecord: (sale, { emit }) => {
        if (fails && sale.euros === 13) throw new Error('unlucky')
        emit(`${sale.shop} ${sale.euros}`)
      },
    })
    .named('price')
    .to(topic('prices', { codec: string() }))
}

test('behind a repartition a letter goes back to there, past the steps before', async () => {
  const log = openMemoryLog()
  const options = { tasks: 'per-partition' } as const
  const first = await start(log, perShop(true), options)
  const all = [12, 13, 14, 15].map((euros, i) => {
    return { key: `c${i}`, value: { shop: `s${i % 2}`, euros } }
  })
  await give(log, 'sales', all)
  await until('all but one are there', async () => (await texts(log, 'prices')).length === 3)
  await until('the letter is', async () => (await seenIn(log, 'sales.dead')).length === 1)
  await first.run.stop()
  const done = await settle(log, 'sales.dead', 'replay')
  assert.equal(done.settled, 1)
  assert.match(done.topics.join(), /repartition$/)
  assert.deepEqual(await replayedIn(log, 'sales'), [])
  const second = await start(log, perShop(false), options)
  await until('it is there', async () => (await texts(log, 'prices')).length === 4)
  await second.run.stop()
  assert.deepEqual((await texts(log, 'prices')).toSorted(), ['s0 12', 's0 14', 's1 13', 's1 15'])
})

test('behind an asynchronous step the record goes through all steps again, if wanted', async () => {
  const log = openMemoryLog()
  await log.createTopic('in')
  let isAway = true
  const asked = from(topic('in', { codec: string() }))
    .map((value) => `${value}!`)
    .mapAsync(async (value) => {
      if (isAway && value === 'b!') throw new Error('away')
      return value
    })
    .to(topic('out', { codec: string() }))
  const { run } = await start(log, asked)
  await append(log, [
    ['a', ''],
    ['b', ''],
    ['c', ''],
  ])
  await until('two are there', async () => (await texts(log, 'out')).length === 2)
  await until('the letter is', async () => (await seenIn(log, 'in.dead')).length === 1)
  isAway = false
  const skipped = await settle(log, 'in.dead', 'replay')
  assert.deepEqual([skipped.settled, skipped.skipped.result], [0, 1])
  assert.equal((await settle(log, 'in.dead', 'replay', { takesInputs: true })).settled, 1)
  await until('it is there', async () => (await texts(log, 'out')).length === 3)
  await run.stop()
  assert.deepEqual(await texts(log, 'out'), ['a!', 'c!', 'b!'])
})
