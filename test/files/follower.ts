/** A process that follows a file into a topic until it is killed. Arguments: log, file. */
import { fileSource, from, run, string, topic } from '../../src/index.ts'

const [data = '', path = ''] = process.argv.slice(2)
const lines = topic('lines', { codec: string(), partitions: 1 })
const source = fileSource(path, { format: 'lines', follow: true, settle: '100ms', batch: 500 })
await run(from(source).to(lines), {
  data,
  notify: (event) => {
    if (event.kind === 'failed') throw event.error
    if (event.kind === 'source-notice') process.stdout.write(`${event.text}\n`)
  },
})
process.stdout.write('running\n')
