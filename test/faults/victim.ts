/**
 * The process that is killed: runs the scenario until it dies or is told to stop. Arguments:
 * directory, task mode.
 */
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { start } from './scenario.ts'
import type { TaskMode } from './scenario.ts'

const [dir, mode] = process.argv.slice(2) as [string, TaskMode]
const log = await openEmbeddedLog({ dir })
const running = await start(log, mode)
process.stdout.write('running\n')
process.once('SIGTERM', () => void running.stop())
await running.done
await log.close()
