/** Sales and the windows over them: the pipeline of the kill rounds. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../src/log/log.ts'
import { partitionOfText } from '../../src/log/partitioner.ts'
import { isCaughtUp, sameLines, waitUntil } from '../faults/outcome.ts'
import * as scenario from '../faults/scenario.ts'
import type { TaskMode } from '../faults/scenario.ts'
import { openAfterCut } from './recovery.ts'
import { recordsIn, seenIn } from './seen.ts'
import type { Recovered, Workload } from './workload.ts'

export interface SalesOptions {
  readonly mode: TaskMode
  readonly seed: number
  readonly synchronous: 'FULL' | 'NORMAL' | 'OFF'
  /** Fsyncs fail now and then, and the process dies of `kill -9`. */
  readonly failing: boolean
}

/** Sales that are appended after the cut. */
const laterSales = 40

export function salesWorkload({ mode, seed, synchronous, failing }: SalesOptions): Workload {
  return {
    name: `tasks ${mode}`,
    victim: fileURLToPath(new URL('sales-victim.ts', import.meta.url)),
    args: [mode, String(seed), synchronous, failing ? 'failing' : 'well'],
    goOn: async (dir, seen, place) => {
      const log = await openAfterCut(dir, seen, place)
      try {
        return await goOn(log, { mode, seed, place })
      } finally {
        await log.close()
      }
    },
    end: () => {},
  }
}

async function goOn(
  log: Log,
  { mode, seed, place }: { mode: TaskMode; seed: number; place: string },
): Promise<Recovered> {
  await log.createTopic(scenario.inTopic, { partitions: scenario.partitions })
  const found = recordsIn(await seenIn(log), [scenario.inTopic])
  const sales = scenario.salesOf(seed, 0, found)
  sameLines(await scenario.readLines(log, scenario.inTopic), inputLines(sales), `${place}: input`)

  const later = scenario.salesOf(seed, found, found + laterSales)
  await log.append(scenario.blocksOf(later))
  sales.push(...later)
  await log.append(scenario.closing(sales.length))
  const output = await runToEnd(log, mode)
  sameLines(output, scenario.expectedOutput(sales, mode), `${place}: output`)
  const dead = await scenario.deadIds(log)
  assert.deepEqual(dead, scenario.expectedDead(sales), `${place}: dead letters`)
  return { records: found, results: output.length }
}

async function runToEnd(log: Log, mode: TaskMode): Promise<string[]> {
  const running = await scenario.start(log, mode)
  await waitUntil('it has gone on to the end', () => isCaughtUp(log))
  await running.stop()
  await running.done
  return await scenario.readLines(log, scenario.outTopic)
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
