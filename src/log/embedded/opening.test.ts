/** Opening: what is there, what is not, and what is not ours. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, test } from 'vitest'
import { MillraceError, type ErrorCode } from '../../core/error.ts'
import { BatchBuilder } from '../batch.ts'
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from './embedded-log.ts'

let dir = ''
let opened: EmbeddedLog[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-opening-'))
})
afterEach(async () => {
  for (const log of opened) await log.close()
  opened = []
  rmSync(dir, { recursive: true })
})

async function open(options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ dir, writer: 'inline', ...options })
  opened.push(log)
  return log
}

async function fails(run: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof MillraceError, String(error))
    assert.equal(error.code, code, error.message)
    assert.ok(error.hint !== undefined)
    return true
  })
}

function put(log: EmbeddedLog, value: string): Promise<unknown> {
  const builder = new BatchBuilder()
  builder.add('k', value, 1)
  return log.append([{ topic: 't', partition: 0, bytes: builder.finish() }])
}

async function valueAt(log: EmbeddedLog, offset: number): Promise<string | undefined> {
  const reader = await log.openReader([{ topic: 't', partition: 0, offset }])
  const batch = reader.poll(0)
  return batch === null ? undefined : batch.value(batch.first)?.toString()
}

test('a missing directory is made, with those above it', async () => {
  const deep = join(dir, 'a', 'b c%?#')
  const log = await open({ dir: deep })
  await log.createTopic('t')
  await put(log, 'x')
  assert.ok(existsSync(join(deep, 'millrace.db')))
  assert.equal(await valueAt(log, 0), 'x')
})

test('a path that is a file is refused', async () => {
  writeFileSync(join(dir, 'f'), '')
  await fails(open({ dir: join(dir, 'f') }), 'invalid-argument')
  await fails(open({ dir: join(dir, 'f', 'g') }), 'invalid-argument')
})

test('a file of a newer version is refused and left alone', async () => {
  await (await open()).close()
  const file = new DatabaseSync(join(dir, 'millrace.db'))
  file.exec('PRAGMA user_version = 99')
  file.close()
  await fails(open(), 'log-version')
  await fails(open({ readOnly: true }), 'log-version')
})

test('a file that is no database, or not ours, is refused', async () => {
  const path = join(dir, 'millrace.db')
  writeFileSync(path, 'x'.repeat(5000))
  await fails(open(), 'log-damaged')
  rmSync(path)
  const file = new DatabaseSync(path)
  file.exec('CREATE TABLE mine (a)')
  file.close()
  await fails(open(), 'log-damaged')
})

test('damage inside the file is told when it is met', async () => {
  const log = await open()
  await log.createTopic('t')
  await put(log, 'x'.repeat(100))
  await log.close()
  const file = new DatabaseSync(join(dir, 'millrace.db'))
  file.exec("UPDATE batches SET data = CAST(replace(data, 'xx', 'xy') AS BLOB)")
  file.close()
  const reader = await (await open()).openReader([{ topic: 't', partition: 0, offset: 0 }])
  assert.throws(() => reader.poll(0), { code: 'log-damaged' })
})

test('read only: reads while another writes, refuses to write, needs a log', async () => {
  await fails(open({ readOnly: true }), 'file-not-found')
  assert.deepEqual(readdirSync(dir), [])
  const writer = await open()
  await writer.createTopic('t')
  const log = await open({ readOnly: true })
  await put(writer, 'x')
  assert.equal(await valueAt(log, 0), 'x')
  await fails(put(log, 'y'), 'log-read-only')
  await fails(log.createTopic('u'), 'log-read-only')
  await fails(log.join({ pipeline: 'p', tasks: [], takeOver: false }), 'log-read-only')
})

const logUrl = new URL('./embedded-log.ts', import.meta.url).href

/** Runs as a user who may not write here: the superuser may write anywhere. */
function asNobody(code: string): string {
  const script = `
    const { openEmbeddedLog } = await import('${logUrl}')
    const dir = process.argv[1]
    try { ${code} } catch (error) { console.log(error.code) }`
  const args = ['--no-warnings', '--input-type=module', '-e', script, join(dir, 'data')]
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', ...user })
  assert.equal(stderr, '')
  return stdout.trim()
}

test('a directory that cannot be written is told at once; reading it is possible', async () => {
  const log = await open({ dir: join(dir, 'data') })
  await log.createTopic('t')
  await put(log, 'hello')
  await log.close()
  chmodSync(dir, 0o755)
  chmodSync(join(dir, 'data'), 0o555)
  chmodSync(join(dir, 'data', 'millrace.db'), 0o444)
  assert.equal(asNobody("await openEmbeddedLog({ dir: dir + '/new' })"), 'log-read-only')
  assert.equal(asNobody('await openEmbeddedLog({ dir })'), 'log-read-only')
  const read = `const log = await openEmbeddedLog({ dir, readOnly: true })
    const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
    console.log(String(reader.poll(0).value(0)), await reader.wait(300))
    await log.close()`
  assert.equal(asNobody(read), 'hello timeout')
  chmodSync(join(dir, 'data'), 0o755)
})

test('another process that keeps the file is waited for, but not for ever', async () => {
  const log = await open({ busyMs: 50 })
  await log.createTopic('t')
  const other = new DatabaseSync(join(dir, 'millrace.db'))
  other.exec('BEGIN IMMEDIATE')
  const both = [put(log, 'x'), put(log, 'y')]
  for (const one of both) await fails(one, 'log-busy')
  other.exec('ROLLBACK')
  other.close()
  await put(log, 'z')
  assert.equal(await valueAt(log, 0), 'z')
})

test('closing ends everything and leaves one file that matters', async () => {
  const log = await open({ writer: 'thread' })
  await log.createTopic('t')
  await put(log, 'x')
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 1 }])
  const waiting = reader.wait(Infinity)
  await Promise.all([log.close(), log.close()])
  assert.equal(await waiting, 'closed')
  assert.throws(() => reader.poll(0), { code: 'log-closed' })
  await fails(put(log, 'y'), 'log-closed')
  assert.deepEqual(readdirSync(dir).toSorted(), ['locks', 'millrace.db', 'wake'])
})

test('a directory where the wake file cannot be made still wakes, by looking', async () => {
  mkdirSync(join(dir, 'wake', 'in the way'), { recursive: true })
  const [writer, reading] = [await open(), await open()]
  await writer.createTopic('t')
  const reader = await reading.openReader([{ topic: 't', partition: 0, offset: 0 }])
  const waiting = reader.wait(5000)
  await put(writer, 'x')
  assert.equal(await waiting, 'ready')
})
