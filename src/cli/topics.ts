/** `millrace topics`: create, list, describe, alter, delete. */
import type { Command } from 'commander'
import type { TopicConfig, TopicInfo } from '../log/log.ts'
import type { Context } from './context.ts'
import { type DataOptions, withDataOptions, withLog } from './data-options.ts'
import { byteCount, bytesOrNone, durationOrNone, wholeNumber } from './option-values.ts'
import { plural } from './text-format.ts'
import { describeText, topicJson, topicTable } from './topic-text.ts'

interface ReadOptions extends DataOptions {
  readonly json?: true
}

interface SettingOptions extends ReadOptions {
  readonly partitions?: number
  readonly retention?: number | null
  readonly retentionBytes?: number | null
  readonly recordBytesMax?: number
  readonly compact?: boolean
}

const partitionsMax = 1024

export function registerTopics(program: Command, context: Context): void {
  const topics = program
    .command('topics')
    .description('create, list, describe, alter and delete topics')
  registerCreate(topics, context)
  registerList(topics, context)
  registerDescribe(topics, context)
  registerAlter(topics, context)
  registerDelete(topics, context)
}

function registerCreate(topics: Command, context: Context): void {
  const command = topics.command('create <name>').description('create a topic')
  withSettings(command)
    .addHelpText(
      'after',
      '\nExample:\n  millrace topics create orders --partitions 4 --retention 7d',
    )
    .action((name: string, options: SettingOptions) =>
      withLog(options, 'begin', async (log) => {
        const config = settings(options)
        const topic = await log.createTopic(name, config)
        await tell(context, options, topic, `topic '${name}' is there, with ${size(topic)}`)
      }),
    )
}

function registerAlter(topics: Command, context: Context): void {
  const command = topics
    .command('alter <name>')
    .description('change the settings of a topic; partitions can only grow')
  withSettings(command)
    .option('--no-compact', 'keep all records of a key')
    .addHelpText(
      'after',
      '\nExample:\n  millrace topics alter orders --retention none --record-bytes-max 20MB',
    )
    .action((name: string, options: SettingOptions) =>
      withLog(options, 'change', async (log) => {
        const topic = await log.alterTopic(name, settings(options))
        await tell(context, options, topic, `topic '${name}' now has ${size(topic)}`)
      }),
    )
}

function registerList(topics: Command, context: Context): void {
  withDataOptions(topics.command('list').description('list all topics'))
    .option('--json', 'one JSON array')
    .addHelpText('after', '\nExample:\n  millrace topics list --json')
    .action((options: ReadOptions) =>
      withLog(options, 'look', async (log) => {
        const all = await log.listTopics()
        await context.stdout.write(options.json ? json(all.map(topicJson)) : topicTable(all))
      }),
    )
}

function registerDescribe(topics: Command, context: Context): void {
  withDataOptions(
    topics.command('describe <name>').description('show settings and partitions of a topic'),
  )
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  millrace topics describe orders')
    .action((name: string, options: ReadOptions) =>
      withLog(options, 'look', async (log) => {
        const topic = await log.describeTopic(name)
        await context.stdout.write(options.json ? json(topicJson(topic)) : describeText(topic))
      }),
    )
}

function registerDelete(topics: Command, context: Context): void {
  withDataOptions(topics.command('delete <name>').description('delete a topic and its records'))
    .option('-y, --yes', 'do not ask (nothing is asked where input is no terminal)')
    .addHelpText('after', '\nExample:\n  millrace topics delete orders --yes')
    .action((name: string, options: DataOptions & { yes?: true }) =>
      withLog(options, 'change', async (log) => {
        const topic = await log.describeTopic(name)
        if (!options.yes && context.isTerminal.stdin) {
          const count = topic.partitions.reduce(
            (sum, part) => sum + part.endOffset - part.startOffset,
            0,
          )
          const { confirm } = await import('./confirm.ts')
          if (!(await confirm(`delete topic '${name}' with ${plural(count, 'record')}?`))) {
            context.note('nothing was deleted')
            return
          }
        }
        await log.deleteTopic(name)
        context.note(`topic '${name}' is deleted`)
      }),
    )
}

function withSettings(command: Command): Command {
  return withDataOptions(command)
    .option('-p, --partitions <n>', 'number of partitions', wholeNumber(1, partitionsMax))
    .option(
      '--retention <duration>',
      "keep records for this long, as '7d'; none: for ever",
      durationOrNone,
    )
    .option(
      '--retention-bytes <size>',
      "keep this much of a partition, as '500MB'; none: all",
      bytesOrNone,
    )
    .option('--record-bytes-max <size>', 'largest record accepted (default: 1MiB)', byteCount)
    .option('--compact', 'keep only the newest record of each key')
    .option('--json', 'print the topic as JSON')
}

/** The settings that were given; the log adds or keeps the others. */
function settings(options: SettingOptions): Partial<TopicConfig> {
  return {
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
    ...(options.retention === undefined ? {} : { retentionMs: options.retention }),
    ...(options.retentionBytes === undefined ? {} : { retentionBytes: options.retentionBytes }),
    ...(options.recordBytesMax === undefined ? {} : { recordBytesMax: options.recordBytesMax }),
    ...(options.compact === undefined ? {} : { cleanup: options.compact ? 'compact' : 'delete' }),
  }
}

async function tell(
  context: Context,
  options: ReadOptions,
  topic: TopicInfo,
  text: string,
): Promise<void> {
  if (options.json) await context.stdout.write(json(topicJson(topic)))
  else context.note(text)
}

function size(topic: TopicInfo): string {
  return plural(topic.config.partitions, 'partition')
}

function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
