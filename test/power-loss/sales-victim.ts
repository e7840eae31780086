/**
 * The process whose power is cut: appends sales and runs the pipeline on them, on a log that now
 * and then moves its WAL into the main file, is closed and opened again. After each step it notes
 * what has been acknowledged and what a reader has seen. Arguments: directory, seed of
 * what is done, task mode, seed of the sales, PRAGMA synchronous (FULL; another one is a fault that
 * the test must find).
 */
import { openSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { pause } from '../faults/outcome.ts'
import * as scenario from '../faults/scenario.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { checkpoint } from './checkpoint.ts'
import { notesFile } from './recording.ts'
import { recordsIn, seenIn } from './seen.ts'

const [dir, choicesSeed, mode, salesSeed, synchronous] = process.argv.slice(2) as [
  string,
  string,
  TaskMode,
  string,
  string,
]
const steps = 30
const salesMax = 60
if (synchronous !== 'FULL') weaken(synchronous)
const notes = openSync(notesFile(), 'w')
const random = seededRandom(Number(choicesSeed))

const open = (): Promise<EmbeddedLog> =>
  // What weakens the log is known in this thread only.
  openEmbeddedLog({ dir, writer: synchronous === 'FULL' ? 'thread' : 'inline' })
let log = await open()
await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
await note()
let running = await scenario.start(log, mode)
for (let step = 0; step < steps; step++) {
  const from = recordsIn(await seenIn(log), [scenario.inTopic])
  const sales = scenario.salesOf(Number(salesSeed), from, from + 1 + random.int(salesMax))
  await log.append(scenario.blocksOf(sales))
  await note()
  switch (random.int(12)) {
    case 0:
      checkpoint(dir, random)
      break
    case 1:
      await running.stop()
      await log.close()
      log = await open()
      running = await scenario.start(log, mode)
      break
    case 2:
      await log.maintain()
      break
    case 3:
    case 4:
      await pause(random.int(20))
      break
  }
  await note()
}
process.exit(0)

async function note(): Promise<void> {
  writeSync(notes, JSON.stringify(await seenIn(log)))
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
