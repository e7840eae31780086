/** Random pipelines: after a power cut they must end as a run that nobody disturbs. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RecordBatch } from '../../src/log/batch.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import { difference } from '../../src/testing/simulate/outcome.ts'
import { appendBlocks, caseOf, createTopics, finishCase } from '../faults/random/case-run.ts'
import type { KilledCase } from '../faults/random/case-run.ts'
import { openAfterCut } from './recovery.ts'
import { recordsIn, seenIn } from './seen.ts'
import type { Workload } from './workload.ts'

/** Blocks of an append. */
const blocksAtOnce = 8

/** @param dir for the undisturbed run; removed with `end` */
export async function caseWorkload(dir: string, seed: number): Promise<Workload> {
  const killed = caseOf(seed)
  const straightDir = join(dir, `straight-${seed}`)
  const straight = await openEmbeddedLog({ dir: straightDir, writer: 'inline' })
  await createTopics(straight, killed)
  await appendBlocks(straight, killed.blocks)
  const expected = await finishCase(straight, killed, `case ${seed}, undisturbed`)
  await straight.close()
  return {
    name: `case ${seed}`,
    victim: fileURLToPath(new URL('case-victim.ts', import.meta.url)),
    args: [String(seed)],
    goOn: async (at, seen, place) => {
      const log = await openAfterCut(at, seen, place)
      try {
        await createTopics(log, killed)
        const records = recordsIn(await seenIn(log), [...killed.subject.sources.keys()])
        await appendRest(log, killed)
        const got = await finishCase(log, killed, place)
        const found = difference(expected, got)
        assert.equal(found, null, `${place}: ${found}\n${killed.one.text}`)
        const results = [...got.values()].reduce((sum, list) => sum + list.length, 0)
        return { records, results }
      } finally {
        await log.close()
      }
    },
    end: () => rmSync(straightDir, { recursive: true }),
  }
}

/** Appends what the log has not got yet of a case's input. */
export async function appendRest(
  log: Log,
  { blocks, subject }: KilledCase,
  afterEach: () => Promise<void> = async () => {},
): Promise<void> {
  const there = recordsIn(await seenIn(log), [...subject.sources.keys()])
  // An append is there as a whole or not at all, so what is there is a number of whole blocks.
  let records = 0
  let first = 0
  for (; records < there; first++) records += countOf(blocks[first])
  assert.equal(records, there, 'an append was cut in two')
  for (let at = first; at < blocks.length; at += blocksAtOnce) {
    await appendBlocks(log, blocks.slice(at, at + blocksAtOnce))
    await afterEach()
  }
}

function countOf(block: KilledCase['blocks'][number] | undefined): number {
  assert.ok(block, 'there are more records than the input has')
  return new RecordBatch(block.topic, block.partition, 0, block.bytes).count
}
