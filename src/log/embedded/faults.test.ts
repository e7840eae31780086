/**
 * A disk that is full or fails: the error says so, what was committed before stays, and the log
 * goes on.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { MillraceError, type ErrorCode, type Outcome } from '../../core/error.ts'
import { BatchBuilder } from '../batch.ts'
import type { AppendBatch, CommitBatch, TaskSpec } from '../log.ts'
import { type Faults, storeError } from './db.ts'
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from './embedded-log.ts'

const spec: TaskSpec = {
  pipeline: 'p',
  task: 'main/0',
  inputs: [{ topic: 't', partition: 0 }],
  startAt: ['earliest'],
}
/** SQLITE_IOERR_FSYNC, as node:sqlite throws it. */
const fsyncFailed = Object.assign(new Error('disk I/O error'), {
  code: 'ERR_SQLITE_ERROR',
  errcode: 1034,
})

let dir = ''
let log: EmbeddedLog | null = null

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
})
afterEach(async () => {
  await log?.close()
  rmSync(dir, { recursive: true })
})

async function open(options: Partial<EmbeddedLogOptions>): Promise<EmbeddedLog> {
  log = await openEmbeddedLog({ dir, ...options })
  return log
}

function batch(bytes: number, topic = 't'): AppendBatch {
  const builder = new BatchBuilder()
  builder.add('k', 'x'.repeat(bytes), 1)
  return { topic, partition: 0, bytes: builder.finish() }
}

function commit(offset: number, bytes = 10): CommitBatch {
  const changelog = { bytes: Buffer.from(String(offset)), startsRound: false, endsRound: false }
  return { offsets: [offset], appends: [batch(bytes)], changelog }
}

async function fails(
  run: Promise<unknown>,
  code: ErrorCode,
  outcome: Outcome,
): Promise<MillraceError> {
  let thrown: unknown = null
  await run.catch((error: unknown) => {
    thrown = error
  })
  assert.ok(thrown instanceof MillraceError, `nothing was thrown, or ${String(thrown)}`)
  assert.deepEqual([thrown.code, thrown.outcome], [code, outcome], thrown.message)
  assert.ok(thrown.hint !== undefined)
  return thrown
}

/** The task as a new owner finds it. */
async function state(): Promise<{ offset: number; end: number; blobs: string }> {
  assert.ok(log !== null)
  const session = await log.open(spec)
  const blobs: string[] = []
  for await (const blob of session.restore()) blobs.push(Buffer.from(blob).toString())
  const found = {
    offset: session.offsets[0] ?? -1,
    end: session.endOffset(0),
    blobs: blobs.join(' '),
  }
  await session.close()
  return found
}

describe('a failing fsync', () => {
  const cases: [string, (fail: () => void) => Faults, Awaited<ReturnType<typeof state>>][] = [
    [
      'before it is in the file',
      (fail) => ({ beforeCommit: fail }),
      { offset: 1, end: 1, blobs: '1' },
    ],
    [
      'after it is in the file',
      (fail) => ({ afterCommit: fail }),
      { offset: 2, end: 2, blobs: '1 2' },
    ],
  ]
  for (const [title, faultsOf, expected] of cases) {
    test(`L1 of a commit, ${title}: unknown, whole, and the log goes on`, async () => {
      let isFailing = false
      const faults = faultsOf(() => {
        if (isFailing) throw fsyncFailed
      })
      const opened = await open({ writer: 'inline', faults })
      await opened.createTopic('t')
      const session = await opened.open(spec)
      await session.commit(commit(1))
      isFailing = true
      const error = await fails(session.commit(commit(2)), 'commit-unknown', 'unknown')
      assert.match(error.message, /1034/)
      await fails(opened.append([batch(1)]), 'commit-unknown', 'unknown')
      isFailing = false
      const found = await state()
      const appended = expected.end - 1 // with `afterCommit` the append has happened as well
      assert.deepEqual(found, { ...expected, end: expected.end + appended })
      await opened.append([batch(1)])
      assert.equal((await state()).end, found.end + 1)
    })
  }

  test('L1 of several requests committed together: all of them are told', async () => {
    let isFailing = false
    const faults: Faults = {
      beforeCommit: () => {
        if (isFailing) throw fsyncFailed
      },
    }
    const opened = await open({ writer: 'inline', faults })
    await opened.createTopic('t')
    isFailing = true
    const both = [opened.append([batch(1)]), opened.append([batch(1)])]
    for (const one of both) await fails(one, 'commit-unknown', 'unknown')
  })
})

describe('a full disk', () => {
  /**
   * Of 16 KiB: an empty log has 17, a block of 200 KB takes 12, of 150 KB 9, of 100 KB 6. So there
   * is room for the first two blocks below, and for a third one when the other topic is gone.
   */
  const pageCountMax = 42
  for (const writer of ['inline', 'thread'] as const) {
    test(`L1 refuses what has no room and goes on with room (${writer})`, async () => {
      const opened = await open({ writer, pageCountMax })
      await opened.createTopic('t')
      await opened.createTopic('other')
      await opened.append([batch(200_000, 'other')])
      const session = await opened.open(spec)
      await session.commit(commit(1))
      const error = await fails(session.commit(commit(2, 900_000)), 'disk-full', 'not-applied')
      assert.match(error.message, /millrace\.db/)
      await session.commit(commit(2, 100_000))
      await fails(session.commit(commit(3, 150_000)), 'disk-full', 'not-applied')
      await opened.deleteTopic('other')
      await opened.maintain()
      await session.commit(commit(3, 150_000))
      assert.deepEqual(await state(), { offset: 3, end: 3, blobs: '1 2 3' })
    })
  }

  test('L1 of requests committed together, only the one without room is refused', async () => {
    const opened = await open({ writer: 'inline', pageCountMax })
    await opened.createTopic('t')
    const large = opened.append([batch(900_000)])
    const small = opened.append([batch(10)])
    await fails(large, 'disk-full', 'not-applied')
    assert.equal((await small)[0]?.baseOffset, 0)
  })
})

test("SQLite's codes become ours", () => {
  const codeOf = (errcode: number, during: string): ErrorCode =>
    storeError(Object.assign(new Error('x'), { errcode }), 'f', during).code
  const cases: [number, ErrorCode, ErrorCode][] = [
    [5, 'log-busy', 'log-busy'],
    [6, 'log-busy', 'log-busy'],
    [8, 'log-read-only', 'commit-unknown'],
    [1032, 'log-read-only', 'commit-unknown'],
    [10, 'log-failed', 'commit-unknown'],
    [1034, 'log-failed', 'commit-unknown'],
    [11, 'log-damaged', 'commit-unknown'],
    [13, 'disk-full', 'disk-full'],
    [14, 'log-read-only', 'commit-unknown'],
    [18, 'record-too-large', 'commit-unknown'],
    [26, 'log-damaged', 'commit-unknown'],
    [1, 'log-failed', 'commit-unknown'],
  ]
  for (const [errcode, atWrite, atCommit] of cases) {
    assert.equal(codeOf(errcode, 'write'), atWrite, `write ${errcode}`)
    assert.equal(codeOf(errcode, 'commit'), atCommit, `commit ${errcode}`)
  }
  const known = new MillraceError('task-fenced', 'x')
  assert.equal(storeError(known, 'f', 'write'), known)
})
