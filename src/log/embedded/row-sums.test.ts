/** Checksums of rows: files of the version before get them, a row that was changed is refused. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { BatchBuilder } from '../batch.ts'
import type { TaskSpec } from '../log.ts'
import { Store } from './db.ts'
import { type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts'
import { summedTables, type SummedTable, useRowSums } from './row-sums.ts'

/** What a log of format version 1 had written: see `contents`. */
const versionOne = new URL('../../../test/golden/embedded-v1.db.gz', import.meta.url)
const clock = new VirtualClock(1_700_000_000_000)
const spec: TaskSpec = {
  pipeline: 'p',
  task: 'main/0',
  inputs: [{ topic: 'in', partition: 0 }],
  startAt: ['earliest'],
}

let dir = ''
let path = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-sums-'))
  path = join(dir, 'millrace.db')
  writeFileSync(path, gunzipSync(readFileSync(versionOne)))
})
afterEach(() => rmSync(dir, { recursive: true }))

const open = (readOnly = false): Promise<EmbeddedLog> =>
  openEmbeddedLog({ dir, readOnly, writer: 'inline', clock, busyMs: 200 })

async function contents(log: EmbeddedLog): Promise<object> {
  const topics = (await log.listTopics()).map(({ name, config, partitions }) => {
    const places = partitions.map((one) => `${one.startOffset}-${one.endOffset}`)
    return `${name} ${config.cleanup} ${String(config.retentionMs)} ${places.join(' ')}`
  })
  const groups = (await log.groups()).flatMap(({ group, offsets }) =>
    offsets.map((one) => `${group} ${one.topic}/${one.partition} ${one.offset}`),
  )
  return { topics, groups }
}
const expected = {
  topics: ['in delete 86400000 0-10 0-3', 'table compact null 0-10'],
  groups: ['group in/0 7', 'p in/0 6'],
}

function block(value: string): Uint8Array {
  const builder = new BatchBuilder()
  builder.add('k', value, 1)
  return builder.finish()
}

function execute(sql: string): void {
  const file = new DatabaseSync(path)
  file.exec(sql)
  file.close()
}

describe('a file of version 1', () => {
  test('is given sums, and is what it was', async () => {
    const log = await open()
    assert.deepEqual(await contents(log), expected)
    const session = await log.open(spec)
    assert.equal(session.offsets[0], 6)
    const blobs: string[] = []
    for await (const blob of session.restore()) blobs.push(Buffer.from(blob).toString())
    assert.deepEqual(blobs, ['blob 1', 'blob 2', 'blob 3'])
    await session.commit({ offsets: [9], appends: [], changelog: null })
    const again = [{ topic: 'in', partition: 0, bytes: block('again') }]
    assert.equal(
      (await log.append(again, { producer: 'p1', sequence: 1 }))[0]?.baseOffset,
      10,
      'its producers are known',
    )
    await log.createTopic('new')
    await log.maintain()
    await log.close()
    const file = new Store(path, { mode: 'query', busyMs: 0 })
    assert.equal(file.pragma('user_version'), 2)
    useRowSums(file)
    for (const table of summedTables) file.all(`SELECT * FROM ${table}`)
    file.close()
    await (await open()).close()
  })

  test('is read as it is where it may not be written', async () => {
    const log = await open(true)
    assert.deepEqual(await contents(log), expected)
    await log.close()
    const file = new DatabaseSync(path)
    assert.deepEqual({ ...file.prepare('PRAGMA user_version').get() }, { user_version: 1 })
    file.close()
  })

  test('is left alone while another process has it open', async () => {
    const other = new DatabaseSync(path)
    other.exec('BEGIN; SELECT * FROM topics')
    await assert.rejects(open(), { code: 'log-busy' })
    other.close()
    await (await open()).close()
  })
})

describe('a row that was changed', () => {
  const changes: Readonly<Record<SummedTable, string>> = {
    meta: "UPDATE meta SET key = 'catalof'",
    topics: "UPDATE topics SET retention_ms = 5 WHERE name = 'in'",
    partitions: 'UPDATE partitions SET next_offset = next_offset + 1 WHERE id = 1',
    offsets: "UPDATE offsets SET task = 'main/1' WHERE task = 'main/0'",
    pipelines: 'UPDATE pipelines SET generation = 0',
    tasks: 'UPDATE tasks SET epoch = epoch + 256',
    producers: "UPDATE producers SET sequence = 7 WHERE producer = 'p1'",
    dropped: 'UPDATE dropped SET part_id = 1 WHERE part_id > 4',
  }
  for (const table of summedTables) {
    test(`of ${table} is told when the file is opened`, async () => {
      const log = await open()
      // Something in each table.
      const run = await log.join({ pipeline: 'p', tasks: ['main/0'], takeOver: false })
      await run.leave()
      const stamp = { producer: 'p1', sequence: 1 }
      await log.append([{ topic: 'in', partition: 0, bytes: block('x') }], stamp)
      await log.createTopic('doomed')
      await log.deleteTopic('doomed')
      await log.close()
      const before = new DatabaseSync(path)
      assert.ok(before.prepare(`SELECT 1 FROM ${table}`).get() !== undefined, `${table} is empty`)
      before.close()
      execute(changes[table])
      for (const readOnly of [false, true]) {
        await assert.rejects(open(readOnly), (thrown) => {
          assert.ok(thrown instanceof MillraceError)
          assert.equal(thrown.code, 'log-damaged')
          assert.match(thrown.message, new RegExp(`a row of table ${table} in .*millrace.db`))
          return true
        })
      }
    })
  }

  test('while the log is open is told when it is read or built on', async () => {
    const log = await open()
    const session = await log.open(spec)
    execute('UPDATE partitions SET next_offset = 4 WHERE partition = 0; UPDATE tasks SET epoch = 9')
    const appends = [{ topic: 'in', partition: 0, bytes: block('x') }]
    await assert.rejects(log.append(appends), { code: 'log-damaged' })
    await assert.rejects(log.describeTopic('in'), { code: 'log-damaged' })
    await assert.rejects(
      session.commit({ offsets: [7], appends: [], changelog: null }),
      (thrown) => thrown instanceof MillraceError && /log-damaged|task-fenced/.test(thrown.code),
    )
    await log.close()
  })

  test('a number beyond what is exact is damage as well', async () => {
    await (await open()).close()
    execute('UPDATE partitions SET next_offset = 9223372036854775807 WHERE id = 1')
    await assert.rejects(open(), { code: 'log-damaged' })
  })

  test('a blob that is missing is told when state is read back', async () => {
    const log = await open()
    execute('DELETE FROM changelog WHERE seq = 1')
    const session = await log.open(spec)
    await assert.rejects(
      async () => {
        for await (const blob of session.restore()) void blob
      },
      { code: 'log-damaged', message: /lacks blob 1 of task 'main\/0'/ },
    )
    await log.close()
  })
})
