/**
 * A process that makes records, and writes them to files until it is killed. Arguments: a folder
 * for the log, one for the files, the format, the number of records.
 */
import { files, from, generator, json, run, topic } from '../../src/index.ts'
import type { FilesOptions } from '../../src/index.ts'
import { recordOf } from './files.ts'
import type { Numbered } from './files.ts'

const [data = '', dir = '', format = 'ndjson', count = '0'] = process.argv.slice(2)

const numbers = topic('numbers', {
  codec: json<Numbered>(),
  key: ({ n }) => `k${n % 7}`,
  partitions: 2,
})
const made = generator({
  name: 'made',
  rate: 20_000,
  count: Number(count),
  value: (i) => recordOf(i),
  key: ({ n }) => `k${n % 7}`,
})
const options: FilesOptions = {
  dir,
  format: format as FilesOptions['format'],
  every: '200ms',
  lateness: '300ms',
  ...(format === 'parquet' ? { columns: { n: 'int32', text: 'string' } } : {}),
  ...(format === 'csv' ? { columns: ['n', 'text'] } : {}),
}
await run([from(made).to(numbers), from(numbers).to(files('out', options))], {
  data,
  name: 'killed',
  notify: (event) => {
    if (event.kind === 'failed') throw event.error
    if (event.kind === 'sink-away' || event.kind === 'sink-dead')
      process.stdout.write(`${event.kind}: ${event.error.message}\n`)
  },
})
process.stdout.write('running\n')
