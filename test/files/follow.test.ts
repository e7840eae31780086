/** A growing file that is renamed again and again, followed by a process that is killed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { startProcess } from './files.ts'

const rounds = 5
const endMsMax = 40_000

test('S5 kill -9 and rotation: each line once, in order', { timeout: 90_000 }, async () => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  const root = mkdtempSync(join(tmpdir(), 'millrace-follow-'))
  const path = join(root, 'app.log')
  const data = join(root, 'data')
  let written = 0
  const write = (count: number): void => {
    const lines = Array.from({ length: count }, () => `line ${written++}\n`)
    appendFileSync(path, lines.join(''))
  }
  let files = 0
  const rotate = (): void => {
    for (let n = files; n > 0; n--) renameSync(`${path}.${n}`, `${path}.${n + 1}`)
    renameSync(path, `${path}.1`)
    files += 1
  }
  /** Writes and renames for a while. */
  const live = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 20) {
      write(random.int(400))
      if (existsSync(path) && random.int(12) === 0) rotate()
      await sleep(20)
    }
  }
  const log = await openEmbeddedLog({ dir: data })
  const there = async (): Promise<number> => {
    const topics = await log.listTopics()
    if (!topics.some(({ name }) => name === 'lines')) return 0
    return (await log.describeTopic('lines')).partitions[0]?.endOffset ?? 0
  }
  try {
    let notices = ''
    for (let round = 0; round < rounds; round++) {
      const follower = startProcess('follower.ts', [data, path])
      follower.stdout?.on('data', (piece: Buffer) => {
        notices += piece.toString().replaceAll('running\n', '')
      })
      await once(follower.stdout as NonNullable<typeof follower.stdout>, 'data')
      if (round === 0) {
        // What is renamed before anybody looked is nobody's to read.
        write(1)
        await waitFor('the first line', async () => (await there()) > 0)
      }
      await live(200 + random.int(400))
      follower.kill('SIGKILL')
      await once(follower, 'close')
      await live(random.int(200))
    }
    write(1)
    const last = startProcess('follower.ts', [data, path])
    await waitFor('the last line', async () => (await there()) >= written)
    await sleep(300) // what would come twice would come now
    last.kill('SIGTERM')
    await once(last, 'close')
    const given: string[] = []
    const reader = await log.openReader([{ topic: 'lines', partition: 0, offset: 0 }])
    for (const end = await there(); given.length < end;) {
      const batch = reader.poll(0)
      if (batch === null) await reader.wait(1_000)
      else
        for (let i = batch.first; i < batch.count; i++) {
          given.push(Buffer.from(batch.value(i) ?? '').toString())
        }
    }
    await reader.close()
    assert.equal(notices, '', `seed ${seed}`)
    const wrong = given.findIndex((line, n) => line !== `line ${n}`)
    const near = given.slice(Math.max(0, wrong - 1), wrong + 2).join()
    assert.equal(wrong, -1, `seed ${seed}, ${files} files, ${written} lines: ${near}`)
    assert.equal(given.length, written, `seed ${seed}: ${files} files`)
    assert.ok(files >= 3 && written > 5_000, `seed ${seed}: ${files} files, ${written} lines`)
  } finally {
    await log.close()
    rmSync(root, { recursive: true, force: true })
  }
})

/** Waits; where it is in vain, what was found says why. */
async function waitFor(what: string, is: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + endMsMax
  while (!(await is())) {
    if (Date.now() > endMs) return void process.stderr.write(`waited in vain for ${what}\n`)
    await sleep(20)
  }
}
