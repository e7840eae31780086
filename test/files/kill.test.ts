/** The sink of files under `kill -9`: each record in exactly one file, none of them ever half. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { finalFiles, readAll, reread, startProcess } from './files.ts'

const count = 30_000
/** Some are met idle, on a busy machine more of them. */
const roundsMin = 4
const roundsMax = 12
/** Kills that met it with files open, and some made since the kill before. */
const atWorkMin = 2
const endMsMax = 60_000

for (const format of ['ndjson', 'csv', 'parquet'] as const) {
  test(`K5 kill -9 again and again: ${format}`, { timeout: 120_000 }, async () => {
    const seed = Date.now() % 1_000_000
    const random = seededRandom(seed)
    const root = mkdtempSync(join(tmpdir(), 'millrace-kill-files-'))
    const dir = join(root, 'out')
    const args = [join(root, 'data'), dir, format, String(count)]
    const known = new Map<string, number[]>()
    let atWork = 0
    try {
      for (let round = 0; round < roundsMax && (round < roundsMin || atWork < atWorkMin); round++) {
        const before = finalFiles(dir).length
        const victim = startProcess('victim.ts', args)
        await once(victim.stdout as NonNullable<typeof victim.stdout>, 'data')
        await sleep(50 + random.int(500))
        victim.kill('SIGKILL')
        await once(victim, 'close')
        const given = await readAll(dir, known)
        assert.equal(new Set(given).size, given.length, `seed ${seed}: twice`)
        const isOpen = readdirSync(join(dir, '.millrace')).some((name) => name.endsWith('.rows'))
        if (isOpen && finalFiles(dir).length > before) atWork += 1
      }
      const last = startProcess('victim.ts', args)
      const endMs = Date.now() + endMsMax
      let given: number[] = []
      while (given.length < count && Date.now() < endMs) {
        await sleep(100)
        given = await readAll(dir, known)
      }
      last.kill('SIGTERM')
      await once(last, 'close')
      assert.deepEqual(
        given.toSorted((a, b) => a - b),
        Array.from({ length: count }, (_, n) => n),
        `seed ${seed}`,
      )
      await reread(dir, known)
      // A floor on useful work: kills that met idle processes prove nothing.
      assert.ok(atWork >= atWorkMin, `seed ${seed}: ${atWork} kills met it at work`)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
}
