/** Sources that give records twice, read with `dedupe`. */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { systemClock, VirtualClock } from '../core/clock.ts'
import { isCode, MillraceError } from '../core/error.ts'
import { faultyLog, seededFaults } from '../log/log.faulty.ts'
import type { Log } from '../log/log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import { from } from '../pipeline/from.ts'
import { feedsOf } from '../pipeline/source-start.ts'
import { topic } from '../pipeline/topic.ts'
import type { Source, SourceBatch } from './source.ts'
import { runSource } from './source-runner.ts'
import type { SourceEvent, SourceOptions } from './source-runner.ts'

const clock = new VirtualClock(1_700_000_000_000)

/**
 * As a broker: what was not acknowledged comes again, and what is acknowledged is forgotten. An
 * acknowledgement is lost now and then.
 */
function broker(count: number, redelivers: (i: number) => boolean) {
  const unacknowledged = Array.from({ length: count }, (_, i) => i)
  async function* open(): AsyncGenerator<SourceBatch<number>, void> {
    while (unacknowledged.length > 0) {
      const given = unacknowledged.slice(0, 7)
      const records = given.map((i) => ({ key: null, value: `v${i}`, time: i, id: `id ${i}` }))
      yield { records, position: 0 }
      if (given.some(redelivers)) {
        given.forEach((i) => (lost.has(i) ? undefined : lost.add(i)))
        throw new MillraceError('source-failed', 'the connection was lost')
      }
      unacknowledged.splice(0, given.length)
    }
  }
  const lost = new Set<number>()
  return { open, lost }
}

function sourceOf(open: () => AsyncIterable<SourceBatch<number>>): Source<number> {
  return { kind: 'source', name: 'broker', type: 'test', replayable: false, open }
}

async function values(log: Log): Promise<string[]> {
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
  const found: string[] = []
  for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
    for (let i = batch.first; i < batch.count; i++) found.push(String(batch.value(i)))
  }
  await reader.close()
  return found
}

async function toItsEnd(log: Log, source: Source<number>, options: Partial<SourceOptions>) {
  for (;;) {
    const parts = { topic: 't', create: { partitions: 1 }, clock, attemptsMax: 100, ...options }
    const run = await runSource(log, source, parts)
    let isOver = false
    const done = run.done.then(
      () => (isOver = true),
      (thrown: unknown) => {
        isOver = true
        assert.ok(isCode(thrown, 'task-fenced'), String(thrown))
      },
    )
    for (let turn = 0; !isOver; turn++) {
      assert.ok(turn < 5_000, 'it does not end')
      await systemClock.nextTurn()
      clock.advance(100)
    }
    await done
    if (run.status().state === 'ended') return run
  }
}

const once = (i: number, lost: Set<number>): boolean => i % 20 === 13 && !lost.has(i)

test('what comes again after a lost acknowledgement is left out, whatever fails', async () => {
  let faultCount = 0
  for (let seed = 0; seed < 30; seed++) {
    const log = openMemoryLog()
    const faulty = faultyLog(log, seededFaults(seed, { percent: 30, clock }))
    const { open, lost } = broker(150, (i) => once(i, lost))
    await toItsEnd(faulty, sourceOf(open), { dedupe: { withinMs: 1e9, max: 1_000 } })
    const wanted = Array.from({ length: 150 }, (_, i) => `v${i}`)
    assert.deepEqual(await values(log), wanted, `seed ${seed}`)
    assert.deepEqual(faulty.violations, [], `seed ${seed}`)
    assert.ok(lost.size > 0)
    faultCount += faulty.met.length
  }
  assert.ok(faultCount > 100, `${faultCount} faults met`)
})

test('without it, the same source leaves records twice', async () => {
  const log = openMemoryLog()
  const { open, lost } = broker(150, (i) => once(i, lost))
  await toItsEnd(log, sourceOf(open), {})
  expect((await values(log)).length).toBeGreaterThan(150)
})

test('its status says how many were left out', async () => {
  const log = openMemoryLog()
  const { open, lost } = broker(21, (i) => once(i, lost))
  const run = await toItsEnd(log, sourceOf(open), { dedupe: { withinMs: 1e9, max: 1_000 } })
  expect(run.status().dedupe).toEqual({ duplicates: 7, ids: 21, forgottenEarly: 0 })
  expect(run.status().recordCount).toBe(21)
})

test('what can be no record is told and counted once its batch is committed', async () => {
  const log = openMemoryLog()
  const events: SourceEvent[] = []
  const error = new MillraceError('record-too-large', 'too large')
  async function* open(): AsyncGenerator<SourceBatch<number>, void> {
    yield { records: [{ key: null, value: 'a', time: 0 }], position: 1, refused: [error] }
  }
  const run = await toItsEnd(log, sourceOf(open), { notify: (event) => void events.push(event) })
  expect(run.status().refusedCount).toBe(1)
  expect(events).toContainEqual({ kind: 'source-refused', source: 'broker', error })
})

test('dedupe is asked for where the source is read', () => {
  const source = sourceOf(broker(1, () => false).open)
  const to = topic('t')
  expect(feedsOf([from(source, { dedupe: { within: '10m' } }).to(to)])[0]?.dedupe).toEqual({
    withinMs: 600_000,
    max: 100_000,
  })
  expect(feedsOf([from(source).to(to)])[0]?.dedupe).toBeNull()
  const both = [from(source).to(to), from(source, { dedupe: { within: '10m' } }).to(to)]
  expect(() => feedsOf(both)).toThrow(expect.objectContaining({ code: 'invalid-plan' }) as Error)
})

test.for([
  ['no time', { dedupe: { within: '0s' } }],
  ['no ids', { dedupe: { within: '1s', max: 0 } }],
  ['an option that there is not', { dedupe: { within: '1s', most: 5 } }],
  ['another option', { deduplicate: true }],
] as const)('refuses %s', ([, wrong]) => {
  const source = sourceOf(broker(1, () => false).open)
  expect(() => from(source, wrong as never)).toThrow(
    expect.objectContaining({ code: 'invalid-argument' }) as Error,
  )
})
