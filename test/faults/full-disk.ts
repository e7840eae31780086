/**
 * Runs the scenario on a disk that becomes full, and on when there is room again. Arguments: a
 * directory on a small disk that nobody else writes to, task mode, seed, number of sales. Prints
 * what was seen as one line of JSON; ends with an assertion error where anything is not as it
 * should be.
 */
import assert from 'node:assert/strict'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../src/core/error.ts'
import { errorLine } from '../../src/host/event-line.ts'
import type { HostEvent } from '../../src/host/host-event.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import type { FullDiskReport } from './disk.ts'
import { committed, isCaughtUp, sameLines, waitUntil } from './outcome.ts'
import * as scenario from './scenario.ts'
import type { TaskMode } from './scenario.ts'

const [dir, mode, seedText, countText] = process.argv.slice(2) as [string, TaskMode, string, string]
const seed = Number(seedText)
const salesCount = Number(countText)
const data = join(dir, 'data')
const filler = join(dir, 'filler')
const appendSales = 5000
const junkBytes = 1_000_000

const sales = scenario.salesOf(seed, 0, salesCount)
const expected = scenario.expectedOutput(sales, mode)
/** What is not there yet when the disk becomes full. */
const later = sales.slice(-appendSales)
const early = sales.slice(0, -appendSales)

let log: Log = await openEmbeddedLog({ dir: data })
await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
for (let at = 0; at < early.length; at += appendSales) {
  await log.append(scenario.blocksOf(early.slice(at, at + appendSales)))
}
await log.createTopic('junk')

const events: HostEvent[] = []
const running = await scenario.start(log, mode, (event) => events.push(event))
const failures = (): unknown[] =>
  events.flatMap((event) => (event.kind === 'retrying' ? [event.error] : []))
await waitUntil('the pipeline has results', async () => {
  return (await log.describeTopic(scenario.outTopic)).partitions.some((each) => each.endOffset > 0)
})
fillDisk()
await fillLog()
await waitUntil('the pipeline meets the full disk twice', () => failures().length >= 2)
for (const failure of failures()) expectFull(failure)
const refused = await rejection(log.append(scenario.blocksOf(later)))
expectFull(refused)
await running.stop()
await running.done.catch(expectFull)

const atFull = await expectIntact(log)
await log.close()
// Also a process that starts now finds it so.
log = await openEmbeddedLog({ dir: data })
assert.deepEqual(await expectIntact(log), atFull)
const refusedAgain = await rejection(log.append(scenario.blocksOf(later)))
expectFull(refusedAgain)

rmSync(filler)
await log.append(scenario.blocksOf(later))
await log.append(scenario.closing(sales.length))
const again = await scenario.start(log, mode)
await waitUntil('it has gone on to the end', () => isCaughtUp(log))
await again.stop()
await again.done
const output = await scenario.readLines(log, scenario.outTopic)
sameLines(output, expected, `seed ${seed}: after a full disk`)
assert.deepEqual(await scenario.deadIds(log), scenario.expectedDead(sales))
await log.close()

const report: FullDiskReport = {
  sales: sales.length,
  results: output.length,
  resultsWhenFull: atFull.results,
  committedWhenFull: atFull.committed,
  failures: failures().length,
  message: errorLine(refused),
}
process.stdout.write(`${JSON.stringify(report)}\n`)

/** Leaves no byte to other files. */
function fillDisk(): void {
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

/** The log may write on where it has room in its own files: that is filled as well. */
async function fillLog(): Promise<void> {
  for (;;) {
    const appends = Array.from({ length: 8 }, () => {
      const builder = new BatchBuilder()
      builder.add(null, Buffer.alloc(junkBytes), 0)
      return log.append([{ topic: 'junk', partition: 0, bytes: builder.finish() }])
    })
    const settled = await Promise.allSettled(appends)
    const refusals = settled.filter((each) => each.status === 'rejected')
    for (const { reason } of refusals) expectFull(reason)
    if (refusals.length > 0) return
  }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => assert.fail('a full disk must refuse it'),
    (error: unknown) => error,
  )
}

/** One line for people: what happened to which file, and what to do. */
function expectFull(error: unknown): void {
  assert.ok(error instanceof MillraceError, String(error))
  assert.deepEqual([error.code, error.outcome], ['disk-full', 'not-applied'], error.message)
  const line = errorLine(error)
  assert.ok(line.includes(join(data, 'millrace.db')), line)
  assert.match(line, / - make room on the disk/)
  assert.doesNotMatch(line, /\n|\bat .*\.[tj]s:/)
}

/** Everything acknowledged is there, and of the output a beginning, each partition's in order. */
async function expectIntact(from: Log): Promise<{ committed: number; results: number }> {
  const { partitions } = await from.describeTopic(scenario.inTopic)
  const records = partitions.reduce((total, { endOffset }) => total + endOffset, 0)
  assert.equal(records, early.length, 'records that were acknowledged')
  const lines = await scenario.readLines(from, scenario.outTopic)
  for (let partition = 0; partition < scenario.partitions; partition++) {
    const own = (line: string): boolean => line.startsWith(`${partition} `)
    const seen = lines.filter(own)
    sameLines(seen, expected.filter(own).slice(0, seen.length), 'output when the disk is full')
  }
  return { committed: await committed(from), results: lines.length }
}
