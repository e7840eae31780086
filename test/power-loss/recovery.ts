/** The start after a power cut: opens what the disk holds, checks it, and runs on to the end. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Store } from '../../src/log/embedded/db.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { fileName } from '../../src/log/embedded/schema.ts'
import type { Log } from '../../src/log/log.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { isCaughtUp, sameLines, waitUntil } from '../faults/outcome.ts'
import * as scenario from '../faults/scenario.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { expectKept, seenIn } from './seen.ts'
import type { Seen } from './seen.ts'

export interface RecoveryOptions {
  readonly seed: number
  readonly mode: TaskMode
  /** Before the cut. */
  readonly seen: Seen
  /** For errors. */
  readonly place: string
}

/** Sales that are appended after the cut. */
const laterSales = 40

/** @throws an assertion error where anything was lost, doubled or changed */
export async function goOn(
  dir: string,
  { seed, mode, seen, place }: RecoveryOptions,
): Promise<{ records: number; results: number }> {
  const log = await openEmbeddedLog({ dir, writer: 'inline' }).catch((error: unknown) =>
    assert.fail(`${place}: the log does not open: ${String(error)}`),
  )
  try {
    checkFile(join(dir, fileName), place)
    const found = await seenIn(log)
    expectKept(seen, found, place)
    await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
    const sales = scenario.salesOf(seed, 0, found.sales)
    sameLines(await scenario.readLines(log, scenario.inTopic), inputLines(sales), `${place}: input`)

    const later = scenario.salesOf(seed, found.sales, found.sales + laterSales)
    await log.append(scenario.blocksOf(later))
    sales.push(...later)
    await log.append(scenario.closing(sales.length))
    const output = await runToEnd(log, mode)
    sameLines(output, scenario.expectedOutput(sales, mode), `${place}: output`)
    const dead = await scenario.deadIds(log)
    assert.deepEqual(dead, scenario.expectedDead(sales), `${place}: dead letters`)
    return { records: found.sales, results: output.length }
  } finally {
    await log.close()
  }
}

async function runToEnd(log: Log, mode: TaskMode): Promise<string[]> {
  const running = await scenario.start(log, mode)
  await waitUntil('it has gone on to the end', () => isCaughtUp(log))
  await running.stop()
  await running.done
  return await scenario.readLines(log, scenario.outTopic)
}

function checkFile(path: string, place: string): void {
  const store = new Store(path, { mode: 'query', busyMs: 1000 })
  assert.equal(store.pragma('integrity_check'), 'ok', place)
  store.close()
}

/** What the input topic holds for these sales. */
function inputLines(sales: readonly scenario.Sale[]): string[] {
  const lines: string[][] = Array.from({ length: scenario.partitions }, () => [])
  for (const sale of sales) {
    const partition = partitionOfText(sale.shop, scenario.partitions)
    lines[partition]?.push(`${partition} ${sale.shop} ${sale.at} ${JSON.stringify(sale)}`)
  }
  return lines.flat()
}
