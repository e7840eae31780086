/** `millrace consume`: shows the records of a topic. */
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { withDataOptions, withLog } from './data-options.ts'
import { someText, wholeNumber } from './option-values.ts'
import { parsePosition } from './position.ts'
import { recordFormat } from './record-format.ts'
import type { ConsumeOptions } from './consume-records.ts'

const helpEnd = `
Within a partition, records come in order. Without --follow it stops at what is the end of the topic
when it starts.

--from  earliest (default) or latest; an offset; -10: the last ten of each partition; a time as
        2024-05-06T07:08:09Z (without a zone: local time); 10m: ten minutes ago. With --group it
        says where a group begins that has no offset yet.
--group starts where the group stopped, and commits what was printed: every second, at the end and
        at Ctrl-C. One consumer of a group at a time.
--format
  value     the bytes of the value (default); null for none
  json      one line a record: topic, partition, offset, key, value, time (ms since 1970) and
            headers (a list of name and value); bytes that are not UTF-8 as {"base64": "..."}
  TEMPLATE  text with {topic} {partition} {offset} {key} {value} {time} {timeMs} {headers};
            \\t and \\n work, {{ and }} are braces

Example:
  millrace consume clicks --from 10m --follow --format '{time} {key} {value}'`

export function registerConsume(program: Command, context: Context): void {
  withDataOptions(program.command('consume <topic>'))
    .description('print the records of a topic')
    .option('--from <where>', 'where to begin: earliest, latest, TIME or OFFSET', parsePosition)
    .option('--group <name>', 'go on where this group stopped; commit what was printed', someText)
    .option('--max <n>', 'stop after this many records', wholeNumber(1))
    .option('--follow', 'wait for new records until Ctrl-C')
    .option('--partition <p>', 'only this partition', wholeNumber(0))
    .option('--format <format>', "value, json, or a template as '{key} {value}'", recordFormat)
    .option('--json', 'the same as --format json')
    .addHelpText('after', helpEnd)
    .action((name: string, options: ConsumeOptions) =>
      withLog(options, options.group === undefined ? 'look' : 'change', async (log) => {
        const topic = await log.describeTopic(name)
        const { consume } = await import('./consume-records.ts')
        await consume(log, topic, options, context)
      }),
    )
}
