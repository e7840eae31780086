/**
 * The process whose power is cut, with a random pipeline: appends its input, runs it to the end.
 * After each step it notes what has been acknowledged and what a reader has seen. Arguments:
 * directory, seed of what is done, seed of the case.
 */
import { openSync, writeSync } from 'node:fs'
import { seededRandom } from '../../src/core/random.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { waitUntil } from '../faults/outcome.ts'
import { caseOf, createTopics, isAllRead, startCase } from '../faults/random/case-run.ts'
import { slowLog } from '../faults/random/slow-log.ts'
import { appendRest } from './cases.ts'
import { checkpoint } from './checkpoint.ts'
import { notesFile } from './recording.ts'
import { seenIn } from './seen.ts'

const [dir, choicesSeed, caseSeed] = process.argv.slice(2) as [string, string, string]
const notes = openSync(notesFile(), 'w')
const random = seededRandom(Number(choicesSeed))
const killed = caseOf(Number(caseSeed))

const log = await openEmbeddedLog({ dir })
await createTopics(log, killed)
await note()
await appendRest(log, killed, note)
const slow = slowLog(log, {
  split: null,
  meet: (step) => {
    if (step !== 'after-commit') return
    void note()
    if (random.int(12) === 0) checkpoint(dir, random)
  },
})
const running = await startCase(slow, killed)
await waitUntil('all is read', () => isAllRead(log, killed))
if (random.int(2) === 0) {
  await running.stop()
  await log.close()
}
process.exit(0)

async function note(): Promise<void> {
  writeSync(notes, JSON.stringify(await seenIn(log)))
}
