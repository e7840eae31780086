/**
 * The process whose power is cut: appends sales and runs the pipeline on them, on a log that now
 * and then moves its WAL into the main file, is closed and opened again. After each step it notes
 * what has been acknowledged and what a reader has seen. Arguments: directory, seed of
 * what is done, task mode, seed of the sales, PRAGMA synchronous (FULL; another one is a fault that
 * the test must find), and whether its disk is `failing`: fsyncs fail now and then, and it goes on,
 * closes and opens the log meanwhile, or dies.
 */
import { openSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { isCode } from '../../src/core/error.ts'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { pause } from '../faults/outcome.ts'
import * as scenario from '../faults/scenario.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { checkpoint } from './checkpoint.ts'
import { failSyncs, notesFile } from './recording.ts'
import { recordsIn, seenIn } from './seen.ts'

const [dir, choicesSeed, mode, salesSeed, synchronous, health] = process.argv.slice(2) as [
  string,
  string,
  TaskMode,
  string,
  string,
  'well' | 'failing',
]
const steps = 30
const salesMax = 60
if (synchronous !== 'FULL') weaken(synchronous)
const notes = openSync(notesFile(), 'w')
const random = seededRandom(Number(choicesSeed))

const open = (): Promise<EmbeddedLog> =>
  // What weakens the log is known in this thread only.
  openEmbeddedLog({ dir, writer: synchronous === 'FULL' ? 'thread' : 'inline' })
const startRun = async (): ReturnType<typeof scenario.start> => {
  const run = await scenario.start(log, mode)
  // Where the disk fails too often it ends; what counts is what it left.
  if (health === 'failing') run.done.catch(() => undefined)
  return run
}
let log = await trying(open)
await trying(() => log.createTopic(scenario.inTopic, { partitions: scenario.partitions }))
await note()
let running = await trying(startRun)
for (let step = 0; step < steps; step++) {
  const from = recordsIn(await seenIn(log), [scenario.inTopic])
  const sales = scenario.salesOf(Number(salesSeed), from, from + 1 + random.int(salesMax))
  const fails = health === 'failing' && random.int(4) === 0
  if (fails) failSyncs(1 + random.int(4))
  await log.append(scenario.blocksOf(sales)).catch(expectOfDisk)
  await note()
  switch (random.int(fails ? 6 : 12)) {
    case 0:
      await trying(async () => checkpoint(dir, random, health))
      break
    case 1:
      await running.stop().catch(expectOfDisk)
      await log.close()
      log = await trying(open)
      running = await trying(startRun)
      break
    case 2:
      await log.maintain().catch(expectOfDisk)
      break
    case 3:
    case 4:
      await pause(random.int(20))
      break
    case 5:
      if (fails) process.kill(process.pid, 'SIGKILL')
      break
  }
  await note()
}
process.exit(0)

async function note(): Promise<void> {
  writeSync(notes, JSON.stringify(await seenIn(log)))
}

/** Again, as long as its disk fails. */
async function trying<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (thrown) {
      expectOfDisk(thrown)
      await pause(5)
    }
  }
}

function expectOfDisk(thrown: unknown): void {
  const known = isCode(thrown, 'commit-unknown') || isCode(thrown, 'log-failed')
  if (health !== 'failing' || !known) throw thrown
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
