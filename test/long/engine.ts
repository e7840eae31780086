/** The process of the long run that is ended and killed. Argument: the log's directory. */
import { run } from '../../src/index.ts'
import pipelines from './pipeline.ts'

const running = await run(pipelines, { log: 'embedded', data: process.argv[2] ?? '' })
process.stdout.write('running\n')
await running.done
