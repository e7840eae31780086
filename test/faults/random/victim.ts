/**
 * The process that is killed: runs a random pipeline until it dies. Arguments: directory, seed of
 * the case, its death as JSON, the planted fault or ''.
 */
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { caseOf, startCase } from './case-run.ts'
import { Dying } from './death.ts'
import type { Death } from './death.ts'
import { slowLog } from './slow-log.ts'
import type { SplitCommit } from './slow-log.ts'

const [dir, seed, death, split] = process.argv.slice(2) as [string, string, string, string]
const log = await openEmbeddedLog({ dir })
const dying = new Dying(JSON.parse(death) as Death)
const running = await startCase(
  slowLog(log, {
    meet: (step) => dying.meet(step),
    split: split === '' ? null : (split as SplitCommit),
  }),
  caseOf(Number(seed)),
)
await running.done
