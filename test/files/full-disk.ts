/**
 * Writes files to a small disk that becomes full, and has room again. Arguments: a folder for the
 * log, the disk, the format. Prints one line of JSON: what was seen.
 */
import assert from 'node:assert/strict'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { files, from, generator, json, MillraceError, run, topic } from '../../src/index.ts'
import { finalFiles, readAll, recordOf, reread } from './files.ts'
import type { Numbered } from './files.ts'

const [data = '', disk = ''] = process.argv.slice(2)
const count = 30_000
const dir = join(disk, 'out')
const filler = join(disk, 'filler')

const numbers = topic('numbers', { codec: json<Numbered>(), partitions: 1 })
const made = generator({ name: 'made', rate: 10_000, count, value: (i) => recordOf(i) })
const out = files<Numbered>('out', { dir, format: 'ndjson', every: '200ms', lateness: '300ms' })
const away: MillraceError[] = []
const running = await run([from(made).to(numbers), from(numbers).to(out)], {
  data,
  notify: (event) => {
    if (event.kind === 'sink-away') away.push(event.error)
    if (event.kind === 'failed' || event.kind === 'sink-dead') throw event.error
  },
})
const known = new Map<string, number[]>()
await until('there are files', () => finalFiles(dir).length > 1)
fill()
await until('the sink is away', () => away.length > 0)
const filesWhenFull = finalFiles(dir).length
const recordsWhenFull = (await readAll(dir, known)).length
const [first] = away
assert.ok(first instanceof MillraceError && first.code === 'sink-unavailable', String(first))
assert.match(first.hint ?? '', /room/)
const [status] = running.deliveries()
assert.equal(status?.state, 'away')
await sleep(1_000)
rmSync(filler)
let given: number[] = []
await until('all is written', async () => {
  given = await readAll(dir, known)
  return given.length >= count
})
await running.stop()
await running.done
assert.deepEqual(
  given.toSorted((a, b) => a - b),
  Array.from({ length: count }, (_, n) => n),
)
await reread(dir, known)
assert.equal(running.deliveries()[0]?.dead, 0)
process.stdout.write(
  `${JSON.stringify({ filesWhenFull, recordsWhenFull, message: first.message })}\n`,
)

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 40_000
  while (!(await is())) {
    assert.ok(Date.now() < endMs, `it was waited for in vain: ${what}`)
    await sleep(50)
  }
}

/** Leaves no byte to other files. */
function fill(): void {
  const file = openSync(filler, 'w')
  for (let bytes = 65_536; bytes >= 1; bytes /= 16) {
    const block = Buffer.alloc(bytes)
    try {
      for (;;) writeSync(file, block)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
  closeSync(file)
}
