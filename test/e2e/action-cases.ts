/** An action in a process that is killed again and again: what it was called with, how often. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import { expect } from 'vitest'
import type { Workspace } from './command.ts'

const index = new URL('../../src/index.ts', import.meta.url).pathname
const keyCount = 40

interface Call {
  readonly pid: number
  readonly id: string
  readonly key: string
  readonly n: number
}

/**
 * At least once and in order: each record reaches the action, those of a key come in their order
 * (after a kill from an earlier place on), one process calls for none twice, and what is repeated
 * comes with its id.
 */
export async function killAction(
  workspace: Workspace,
  options: {
    readonly topic: string
    readonly pipeline: string
    readonly records: number
    /** Kills that must meet a process which had called. */
    readonly kills: number
    readonly seed: number
  },
): Promise<void> {
  const { topic, pipeline, records, kills, seed } = options
  const called = join(workspace.dir, 'called.ndjson')
  workspace.write('act.ts', program(topic, pipeline))
  await workspace.ok(`topics create ${topic} --partitions 2`)
  const value = (n: number): string => JSON.stringify({ key: `k${n % keyCount}`, n })
  const lines = Array.from({ length: records }, (_, n) => `${value(n)}\n`).join('')
  await workspace.ok(`produce ${topic} --key key`, lines)
  const random = seededRandom(seed)
  const callsAtMost = Math.floor((records / kills) * 1.5)
  let atWork = 0
  for (let round = 0; round < kills * 4 && atWork < kills; round++) {
    const before = callsIn(called).length
    const wanted = before + 1 + random.int(callsAtMost)
    const running = workspace.start('run', 'act.ts')
    const isAlive = (): boolean => running.child.exitCode === null
    // Not for ever: the last records may all be delivered.
    for (let waits = 0; waits < 2_000 && isAlive(); waits++) {
      const calls = callsIn(called)
      if (calls.length >= wanted || isWhole(calls, records)) break
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    expect(isAlive(), running.stderr).toBe(true)
    await running.kill('SIGKILL')
    if (isWhole(callsIn(called), records)) break
    if (callsIn(called).length > before) atWork += 1
  }
  const last = workspace.start('run', 'act.ts')
  for (let waits = 0; waits < 6_000 && !isWhole(callsIn(called), records); waits++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await last.kill('SIGTERM')
  check(callsIn(called), records)
  expect(atWork, `seed ${seed}`).toBeGreaterThanOrEqual(Math.min(3, kills))
}

function check(calls: readonly Call[], records: number): void {
  const idOf = new Map<number, string>()
  const lastOf = new Map<string, number>()
  const once = new Set<string>()
  for (const { pid, id, key, n } of calls) {
    expect(idOf.get(n) ?? id, `record ${n}`).toBe(id)
    idOf.set(n, id)
    expect(once.has(`${pid} ${id}`), `${id} twice by one process`).toBe(false)
    once.add(`${pid} ${id}`)
    const last = lastOf.get(key) ?? n - keyCount
    expect(n, `after ${last} of key ${key}`).toBeLessThanOrEqual(last + keyCount)
    lastOf.set(key, Math.max(last, n))
  }
  expect(idOf.size).toBe(records)
  expect(new Set(idOf.values()).size).toBe(records)
}

function isWhole(calls: readonly Call[], records: number): boolean {
  return new Set(calls.map(({ id }) => id)).size === records
}

function callsIn(file: string): Call[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Call)
}

/** An outside world that keeps what it is told: one line a call, appended at once. */
function program(topic: string, pipeline: string): string {
  return `import { appendFileSync } from 'node:fs'
import { action, from, json, pipeline, topic } from '${index}'
const readings = topic('${topic}', { codec: json(), key: (r) => r.key, partitions: 2 })
const act = action('act', async ({ key, n }, { id }) => {
  appendFileSync('called.ndjson', JSON.stringify({ pid: process.pid, id, key, n }) + '\\n')
  await new Promise((resolve) => setTimeout(resolve, 1))
}, { concurrency: 8 })
export default pipeline('${pipeline}', from(readings).to(act))
`
}
