/** `millrace status`: what is in the data directory and how far everybody has come. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { type DataOptions, withDataOptions, withLog } from './data-options.ts'
import { groupStates } from '../log/group-states.ts'
import { groupTable } from './group-text.ts'
import { formatBytes } from './text-format.ts'
import { topicJson, topicTable } from './topic-text.ts'

export function registerStatus(program: Command, context: Context): void {
  withDataOptions(
    program.command('status').description('where the data is, topics, pipelines and groups'),
  )
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  millrace status')
    .action((options: DataOptions & { json?: true }) =>
      withLog(options, 'look', async (log) => {
        const topics = await log.listTopics()
        const groups = groupStates(await log.groups(), topics)
        const bytes = log.kind === 'embedded' ? directoryBytes(log.place) : 0
        if (options.json) {
          const all = {
            log: log.kind,
            place: log.place,
            bytes,
            topics: topics.map(topicJson),
            groups,
          }
          await context.stdout.write(`${JSON.stringify(all)}\n`)
          return
        }
        const head =
          log.kind === 'kafka'
            ? `brokers ${log.place}\n`
            : `data    ${log.place}\nsize    ${formatBytes(bytes)}\n`
        await context.stdout.write(
          `${head}\n${topics.length === 0 ? 'no topics yet\n' : topicTable(topics)}\n` +
            `${groups.length === 0 ? 'no pipeline has run yet\n' : groupTable(groups)}`,
        )
      }),
    )
}

/** What the files of a directory take, without those below it. */
function directoryBytes(directory: string): number {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name }) => {
      // A file may go away meanwhile (SQLite's own); it then takes no room.
      return sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0)
    }, 0)
}
