/** `millrace produce`: lines of standard input become records. */
import { type Command, Option } from 'commander'
import { isCode } from '../core/error.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import type { Context } from './context.ts'
import { type DataOptions, withDataOptions, withLog } from './data-options.ts'
import type { LineOptions } from './line-records.ts'
import { positiveNumber, someText } from './option-values.ts'

interface ProduceOptions extends DataOptions, LineOptions {
  readonly rate?: number
  readonly create?: true
}

const helpEnd = `
Bytes are taken as they are, line ends (\\n or \\r\\n) left out. A line larger than the topic
accepts, one that is not JSON (--json) or has no separator (--key-separator) ends the command; the
lines before it are written. With --json, empty lines are passed over.

Example:
  printf 'alice:3\\nbob:5\\n' | millrace produce scores --key-separator :
  millrace produce clicks --json --key user < clicks.ndjson`

export function registerProduce(program: Command, context: Context): void {
  withDataOptions(program.command('produce <topic>'))
    .description('append lines, typed or piped in, as records')
    .addOption(
      new Option('--key-separator <text>', 'split each line into key and value at the first one')
        .argParser(someText)
        .conflicts(['json', 'key']),
    )
    .option('--json', 'refuse lines that are not JSON')
    .addOption(
      new Option('--key <field>', 'take this field of the JSON as the key').implies({ json: true }),
    )
    .option('--rate <n>', 'at most this many records a second', positiveNumber)
    .option('--create', 'create the topic, with one partition, where there is none')
    .addHelpText('after', helpEnd)
    .action((name: string, options: ProduceOptions) =>
      withLog(options, options.create === true ? 'begin' : 'change', async (log) => {
        const topic = await findTopic(log, name, options)
        const { produceLines } = await import('./produce-lines.ts')
        await produceLines(log, topic, options, context)
      }),
    )
}

async function findTopic(log: Log, name: string, options: ProduceOptions): Promise<TopicInfo> {
  try {
    return await log.describeTopic(name)
  } catch (error) {
    if (options.create !== true || !isCode(error, 'unknown-topic')) throw error
    return await log.createTopic(name)
  }
}
