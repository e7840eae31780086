/** Several processes on one directory: waking, running a pipeline, taking it over, dying. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { BatchBuilder } from '../batch.ts'
import type { AppendBatch, JoinOptions, TaskSpec } from '../log.ts'
import { type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts'

const spec: TaskSpec = {
  pipeline: 'p',
  task: 'main/0',
  inputs: [{ topic: 't', partition: 0 }],
  startAt: ['earliest'],
}
const join0: JoinOptions = { pipeline: 'p', tasks: ['main/0'], takeOver: false }
const logUrl = new URL('./embedded-log.ts', import.meta.url).href
const batchUrl = new URL('../batch.ts', import.meta.url).href

let dir = ''
let log: EmbeddedLog
let others: OtherProcess[] = []

/**
 * A process that has `dir`'s log open and runs `code`; it answers with lines and goes on with
 * lines.
 */
class OtherProcess {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(code: string) {
    const script = `
      import { createInterface } from 'node:readline'
      const { openEmbeddedLog } = await import('${logUrl}')
      const { BatchBuilder } = await import('${batchUrl}')
      const log = await openEmbeddedLog({ dir: ${JSON.stringify(dir)} })
      const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
      const next = () => lines.next()
      const say = (text) => process.stdout.write(text + '\\n')
      const spec = ${JSON.stringify(spec)}, join = ${JSON.stringify(join0)}
      const put = async (value) => {
        const builder = new BatchBuilder()
        builder.add('k', value, 1)
        await log.append([{ topic: 't', partition: 0, bytes: builder.finish() }])
      }
      ${code}
      await log.close()
      process.stdin.destroy()`
    const args = ['--no-warnings', '--input-type=module', '-e', script]
    const running = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.process = running
    this.#lines = createInterface(running.stdout)[Symbol.asyncIterator]()
    others.push(this)
  }

  async said(): Promise<string> {
    const { value, done } = await this.#lines.next()
    return done === true ? 'nothing more' : value
  }

  goOn(): void {
    this.process.stdin?.write('\n')
  }

  async ended(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await new Promise((resolve) => this.process.once('exit', resolve))
    }
    return this.process.exitCode
  }
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-processes-'))
  log = await openEmbeddedLog({ dir })
  await log.createTopic('t')
})
afterEach(async () => {
  for (const other of others) {
    other.process.kill('SIGKILL')
    await other.ended()
  }
  others = []
  await log.close()
  rmSync(dir, { recursive: true })
})

function batch(value: string): AppendBatch {
  const builder = new BatchBuilder()
  builder.add('k', value, 1)
  return { topic: 't', partition: 0, bytes: builder.finish() }
}

test('a reader wakes when another process appends', async () => {
  const other = new OtherProcess(`
    await put('x0')
    say('open')
    for (let i = 1; i < 20; i++) { await next(); await put('x' + i) }`)
  assert.equal(await other.said(), 'open')
  const reader = await log.openReader([{ topic: 't', partition: 0, offset: 1 }])
  for (let i = 1; i < 20; i++) {
    const waiting = reader.wait(5000)
    other.goOn()
    assert.equal(await waiting, 'ready')
    const found = reader.poll(0)
    assert.equal(found?.value(found.first)?.toString(), `x${i}`)
  }
  assert.equal(await other.ended(), 0)
})

test('a process that was woken by ours and closed its log ends by itself', async () => {
  const other = new OtherProcess(`
    const reader = await log.openReader([{ topic: 't', partition: 0, offset: 0 }])
    const waiting = reader.wait(Infinity)
    say('waiting')
    say(await waiting)
    process.stdin.destroy()`)
  assert.equal(await other.said(), 'waiting')
  await log.append([batch('x')])
  assert.equal(await other.said(), 'ready')
  assert.equal(await other.ended(), 0)
})

test('processes that open a new directory at the same time share one file', async () => {
  dir = join(dir, 'new')
  const code = `
    await log.createTopic('t', { partitions: 2 })
    await put('x')
    say((await log.describeTopic('t')).config.partitions)`
  const started = [1, 2, 3].map(() => new OtherProcess(code))
  for (const other of started) {
    assert.equal(await other.said(), '2')
    assert.equal(await other.ended(), 0)
  }
  const shared = await openEmbeddedLog({ dir, readOnly: true })
  assert.equal((await shared.describeTopic('t')).partitions[0]?.endOffset, 3)
  await shared.close()
})

test('L4 a pipeline that runs elsewhere is refused until that process dies', async () => {
  const other = new OtherProcess(`
    const membership = await log.join(join)
    const session = await log.open(spec)
    await session.commit({ offsets: [0], appends: [], changelog: null })
    say('running')
    await session.wait(Infinity)`)
  assert.equal(await other.said(), 'running')
  await assert.rejects(log.join(join0), (error) => {
    assert.ok(isCode(error, 'pipeline-running'))
    assert.match(error.message, new RegExp(`process ${other.process.pid} on `))
    return true
  })
  await assert.rejects(log.deleteGroup('p'), { code: 'pipeline-running' })
  assert.match((await log.groups())[0]?.owner ?? '', new RegExp(`process ${other.process.pid} `))
  other.process.kill('SIGKILL')
  await other.ended()
  assert.equal((await log.groups())[0]?.owner, null)
  const membership = await log.join(join0)
  assert.deepEqual(membership.owned, ['main/0'])
  await membership.leave()
  await (await log.join(join0)).leave()
})

test('L4 taking over ends the earlier run: it can neither commit nor open', async () => {
  const other = new OtherProcess(`
    const membership = await log.join(join)
    membership.onChange(async ({ lost, reason }) => say('lost ' + lost + ' ' + reason))
    const session = await log.open(spec)
    say('running')
    say(await session.wait(Infinity))
    const commit = { offsets: [0], appends: [], changelog: null }
    await session.commit(commit).catch((error) => say(error.code))
    await log.open(spec).catch((error) => say(error.code))`)
  assert.equal(await other.said(), 'running')
  const membership = await log.join({ ...join0, takeOver: true })
  assert.deepEqual(membership.owned, ['main/0'])
  const heard = [await other.said(), await other.said()]
  assert.deepEqual(heard.toSorted(), ['closed', 'lost main/0 fenced'])
  assert.deepEqual([await other.said(), await other.said()], ['task-fenced', 'task-fenced'])
  assert.equal(await other.ended(), 0)
  const session = await log.open(spec)
  await session.commit({ offsets: [0], appends: [batch('x')], changelog: null })
  await assert.rejects(log.join(join0), { code: 'pipeline-running' })
  await membership.leave()
  assert.deepEqual(readdirSync(join(dir, 'locks')).toSorted(), ['create.lock', 'open.lock'])
})

test('L4 a run that is busy and waits for nothing learns that it was taken over', async () => {
  const other = new OtherProcess(`
    const membership = await log.join(join)
    const session = await log.open(spec)
    say('running')
    await new Promise((resolve) => membership.onChange(async () => resolve()))
    say('told')`)
  assert.equal(await other.said(), 'running')
  await log.join({ ...join0, takeOver: true })
  assert.equal(await other.said(), 'told')
})
