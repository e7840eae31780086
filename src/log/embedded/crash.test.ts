/**
 * `kill -9` in the middle of commits: what was acknowledged is there, the rest is whole or not
 * there at all.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'vitest'
import type { TaskSpec } from '../log.ts'
import { openEmbeddedLog } from './embedded-log.ts'

const spec: TaskSpec = {
  pipeline: 'p',
  task: 'main/0',
  inputs: [{ topic: 'a', partition: 0 }],
  startAt: ['earliest'],
}

/**
 * Commits on and on: two records to `a`, one to `b`, the offset and a blob, all of which tell the
 * commit's number.
 */
const child = `
const { openEmbeddedLog } = await import('${new URL('./embedded-log.ts', import.meta.url).href}')
const { BatchBuilder } = await import('${new URL('../batch.ts', import.meta.url).href}')
const log = await openEmbeddedLog({ dir: process.argv[1] })
const session = await log.open(${JSON.stringify(spec)})
let n = session.offsets[0] / 2
const builder = new BatchBuilder()
const batch = (topic, count) => {
  for (let i = 0; i < count; i++) builder.add('k', String(n) + 'x'.repeat(5000), n)
  return { topic, partition: 0, bytes: builder.finish() }
}
for (;;) {
  n += 1
  const [startsRound, endsRound] = [n % 10 === 0, n % 10 === 9]
  const changelog = { bytes: Buffer.from(String(n)), startsRound, endsRound }
  await session.commit({ offsets: [2 * n], appends: [batch('a', 2), batch('b', 1)], changelog })
  process.stdout.write(n + '\\n')
}`

/**
 * Runs the child until it has acknowledged `count` commits and kills it. @returns the last one
 * acknowledged
 */
async function runAndKill(dir: string, count: number): Promise<number> {
  const args = ['--no-warnings', '--input-type=module', '-e', child, dir]
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let seen = 0
  let last = 0
  for await (const line of createInterface(running.stdout)) {
    last = Number(line)
    seen += 1
    if (seen === count) running.kill('SIGKILL')
  }
  return last
}

async function endOf(
  dir: string,
): Promise<{ a: number; b: number; offset: number; state: string }> {
  const log = await openEmbeddedLog({ dir })
  const [a, b] = await log.listTopics()
  const session = await log.open(spec)
  let state = ''
  for await (const blob of session.restore()) state = Buffer.from(blob).toString()
  await log.close()
  const end = (topic: typeof a): number => topic?.partitions[0]?.endOffset ?? -1
  return { a: end(a), b: end(b), offset: session.offsets[0] ?? -1, state }
}

test('L1 L5 after kill -9 every acknowledged commit is there, each one whole', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
  try {
    const log = await openEmbeddedLog({ dir })
    await log.createTopic('a')
    await log.createTopic('b')
    await log.close()
    let before = 0
    for (const count of [1, 17, 60, 2, 150]) {
      const acknowledged = await runAndKill(dir, count)
      const { a, b, offset, state } = await endOf(dir)
      assert.ok(acknowledged >= before + count, `only ${acknowledged} commits after ${before}`)
      assert.ok(
        b >= acknowledged,
        `commit ${acknowledged} was acknowledged, but ${b} is the last one`,
      )
      assert.deepEqual({ a, offset, state }, { a: 2 * b, offset: 2 * b, state: String(b) })
      before = b
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
})
