/**
 * The process whose power is cut: appends sales and runs the pipeline on them, on a log that now
 * and then moves its WAL into the main file, is closed and opened again. After each step it notes
 * what has been acknowledged and what a reader has seen. Arguments: directory, task mode, seed
 * of the sales, seed of what is done, number of steps, PRAGMA synchronous (FULL; another one is a
 * fault that the test must find).
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { seededRandom } from '../../src/core/random.ts'
import { Store } from '../../src/log/embedded/db.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { fileName } from '../../src/log/embedded/schema.ts'
import { pause } from '../faults/outcome.ts'
import * as scenario from '../faults/scenario.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { notesFile } from './recording.ts'
import { seenIn } from './seen.ts'

const [dir, mode, ...rest] = process.argv.slice(2) as [string, TaskMode, ...string[]]
const [salesSeed, choicesSeed, steps] = rest.map(Number) as [number, number, number]
const synchronous = rest[3] as string
const salesMax = 60
if (synchronous !== 'FULL') weaken(synchronous)
const notes = openSync(notesFile(), 'w')
const random = seededRandom(choicesSeed)

const open = (): Promise<EmbeddedLog> =>
  // What weakens the log is known in this thread only.
  openEmbeddedLog({ dir, writer: synchronous === 'FULL' ? 'thread' : 'inline' })
let log = await open()
await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
await note()
let running = await scenario.start(log, mode)
for (let step = 0; step < steps; step++) {
  const from = (await seenIn(log)).sales
  await log.append(
    scenario.blocksOf(scenario.salesOf(salesSeed, from, from + 1 + random.int(salesMax))),
  )
  await note()
  switch (random.int(12)) {
    case 0:
      checkpoint()
      break
    case 1:
      await running.stop()
      await log.close()
      log = await open()
      running = await scenario.start(log, mode)
      break
    case 2:
    case 3:
      await pause(random.int(20))
      break
  }
  await note()
}
process.exit(0)

async function note(): Promise<void> {
  writeSync(notes, JSON.stringify(await seenIn(log)))
}

/** As any process on the same directory may, the CLI for one. */
function checkpoint(): void {
  const store = new Store(join(dir, fileName), { mode: 'write', busyMs: 1000 })
  const kinds = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'] as const
  store.pragma(`wal_checkpoint(${kinds[random.int(kinds.length)] as string})`)
  store.close()
}

/** The planted fault: another PRAGMA synchronous, and the check of it deceived. */
function weaken(to: string): void {
  const { exec, prepare } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (sql) {
    exec.call(this, sql === 'PRAGMA synchronous = FULL' ? `PRAGMA synchronous = ${to}` : sql)
  }
  DatabaseSync.prototype.prepare = function (sql, options) {
    return prepare.call(this, sql === 'PRAGMA synchronous' ? 'SELECT 2' : sql, options)
  }
}
