/**
 * What is deleted, and when: tombstones, old state, deleted topics, silent producers; and that a
 * rollback does no harm.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { BatchBuilder } from '../batch.ts'
import type { AppendBatch } from '../log.ts'
import { Store } from './db.ts'
import { useRowSums } from './row-sums.ts'
import { type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts'
import { Maintenance } from './maintenance.ts'

const hourMs = 3_600_000

let dir = ''
let clock = new VirtualClock(0)
let log: EmbeddedLog

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-upkeep-'))
  clock = new VirtualClock(1_700_000_000_000)
  log = await openEmbeddedLog({ dir, clock, writer: 'inline' })
})
afterEach(async () => {
  await log.close()
  rmSync(dir, { recursive: true })
})

type Pair = readonly [key: string, value: string | null]

function batch(...pairs: Pair[]): AppendBatch {
  const builder = new BatchBuilder()
  for (const [key, value] of pairs) builder.add(key, value, 1)
  return { topic: 't', partition: 0, bytes: builder.finish() }
}

async function kept(): Promise<string> {
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
  const seen: string[] = []
  for (let found = reader.poll(0); found !== null; found = reader.poll(0)) {
    for (let i = found.first; i < found.count; i++) {
      seen.push(`${found.offset(i)}:${found.key(i)}=${found.value(i)}`)
    }
  }
  return seen.join(' ')
}

function count(table: string): number {
  const file = new DatabaseSync(join(dir, 'millrace.db'), { readOnly: true })
  const row = file.prepare(`SELECT count(*) AS n FROM ${table}`).get()
  file.close()
  return Number(row?.n)
}

test('compaction keeps the newest of each key, and the newest batch whole', async () => {
  await log.createTopic('t', { cleanup: 'compact' })
  await log.append([batch(['a', '1'], ['b', '1'], ['a', '2'])])
  await log.append([batch(['b', '2'])])
  await log.append([batch(['a', '3'], ['c', '1'])])
  await log.append([batch(['c', '2'], ['c', '3'])])
  await log.maintain()
  assert.equal(await kept(), '3:b=2 4:a=3 6:c=2 7:c=3')
  const [partition] = (await log.describeTopic('t')).partitions
  assert.equal(partition?.startOffset, 3)
  assert.equal(partition?.bytes, byteSum())
  await log.append([batch(['d', '1'])])
  await log.maintain()
  assert.equal(await kept(), '3:b=2 4:a=3 7:c=3 8:d=1')
})

function byteSum(): number {
  const file = new DatabaseSync(join(dir, 'millrace.db'), { readOnly: true })
  const row = file.prepare('SELECT sum(length(data)) AS n FROM batches').get()
  file.close()
  return Number(row?.n)
}

test('a tombstone stays for a day, then goes, and what it deleted does not come back', async () => {
  await log.createTopic('t', { cleanup: 'compact' })
  await log.append([batch(['a', '1'])])
  await log.append([batch(['a', null], ['b', '1'])])
  await log.append([batch(['c', '1'])])
  clock.advance(23 * hourMs)
  await log.maintain()
  assert.equal(await kept(), '1:a=null 2:b=1 3:c=1')
  clock.advance(hourMs)
  await log.maintain()
  assert.equal(await kept(), '2:b=1 3:c=1')
})

test('a tombstone beside its own record in one batch takes it along', async () => {
  await log.createTopic('t', { cleanup: 'compact' })
  await log.append([batch(['a', '1'], ['a', null])])
  await log.maintain()
  clock.advance(25 * hourMs)
  await log.append([batch(['b', '1'])])
  await log.maintain()
  assert.equal(await kept(), '2:b=1')
})

test('a compaction that was rolled back in its middle begins anew', async () => {
  await log.createTopic('t', { cleanup: 'compact' })
  await log.append([batch(['a', '1'])])
  await log.append([batch(['a', null])])
  await log.append([batch(['b', '1'])])
  await log.close()
  const nowMs = clock.now() + 25 * hourMs
  const store = new Store(join(dir, 'millrace.db'), { mode: 'write', busyMs: 1000 })
  useRowSums(store)
  const maintenance = new Maintenance(store)
  const rowsOf = (): number =>
    store.get<{ n: number }>('SELECT count(*) AS n FROM batches')?.n ?? -1
  let rollbacks = 0
  for (let i = 0; i < 100; i++) {
    store.run('BEGIN IMMEDIATE')
    const progress = maintenance.slice(nowMs, 'all')
    if (rowsOf() < 3 && rollbacks < 3) {
      store.run('ROLLBACK')
      maintenance.reset()
      rollbacks += 1
      continue
    }
    store.run('COMMIT')
    if (progress === 'done') break
  }
  store.close()
  assert.equal(rollbacks, 3)
  log = await openEmbeddedLog({ dir, clock, writer: 'inline' })
  assert.equal(await kept(), '2:b=1')
})

test('state before the last complete round is deleted as commits go on', async () => {
  await log.createTopic('t')
  const inputs = [{ topic: 't', partition: 0 }]
  const session = await log.open({ pipeline: 'p', task: 'x', inputs, startAt: ['earliest'] })
  const most = []
  for (let i = 0; i < 200; i++) {
    const changelog = {
      bytes: Buffer.from([i]),
      startsRound: i % 20 === 0,
      endsRound: i % 20 === 19,
    }
    await session.commit({ offsets: [-1], appends: [], changelog })
    most.push(count('changelog'))
  }
  assert.ok(Math.max(...most) <= 41, `up to ${Math.max(...most)} blobs were kept`)
  await log.maintain()
  assert.equal(count('changelog'), 20)
  await session.close()
  await log.deleteGroup('p')
  await log.maintain()
  assert.equal(count('changelog'), 0)
})

test('batches of a deleted topic are deleted, also many of them', async () => {
  await log.createTopic('t')
  for (let i = 0; i < 100; i++) await log.append([batch(['a', 'x'])])
  await log.deleteTopic('t')
  assert.equal(count('batches'), 100)
  await log.maintain()
  assert.deepEqual([count('batches'), count('dropped')], [0, 0])
})

test('a producer is forgotten after a week of silence', async () => {
  await log.createTopic('t')
  await log.append([batch(['a', '1'])], { producer: 'x', sequence: 0 })
  clock.advance(7 * 24 * hourMs)
  await log.maintain()
  assert.equal(count('producers'), 1)
  clock.advance(1)
  await log.maintain()
  assert.equal(count('producers'), 0)
})

test('a session that retention overtakes goes on at the new start and counts', async () => {
  await log.createTopic('t', { retentionMs: hourMs })
  for (const value of ['1', '2', '3']) await log.append([batch(['a', value])])
  const inputs = [{ topic: 't', partition: 0 }]
  const session = await log.open({ pipeline: 'p', task: 'x', inputs, startAt: ['earliest'] })
  clock.advance(2 * hourMs)
  await log.append([batch(['a', '4'])])
  await log.maintain()
  const found = session.poll(0)
  assert.equal(found?.offset(found.first), 3)
  assert.deepEqual(session.skipped, [3])
})

test('a trim frees a bounded part at once and leaves the rest to the upkeep', async () => {
  await log.createTopic('t', { partitions: 2 })
  for (let i = 0; i < 700; i++) await log.append([batch(['a', `${i}`])])
  await log.append([{ ...batch(['a', 'other']), partition: 1 }])
  await log.trim([
    { topic: 't', partition: 0, offset: 700 },
    { topic: 't', partition: 1, offset: 1 },
  ])
  assert.equal(count('batches'), 445)
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
  assert.equal(reader.poll(0), null)
  assert.equal(await reader.wait(0), 'timeout', 'what is not freed yet wakes nobody')
  await log.append([batch(['a', 'next'])])
  assert.equal(await kept(), '700:a=next')
  await log.maintain()
  assert.equal(count('batches'), 1)
  assert.equal((await log.describeTopic('t')).partitions[1]?.bytes, 0)
})
