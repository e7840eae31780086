/**
 * `npm run nexmark`: runs the queries of the Nexmark benchmark.
 *
 *   npm run nexmark -- --generate 100000 --output events.jsonl [--rate 100] [--group 1000]
 *   npm run nexmark -- --query q5 --input events.jsonl --output out.jsonl [--partitions 4]
 *                      [--restart-every 1000]
 *   npm run nexmark -- --bench [--query q0,q5] [--events 1000000]
 */
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf } from '../../src/core/error.ts'
import { bench } from './bench.ts'
import { queries } from './queries.ts'
import { runQuery } from './run-query.ts'
import { writeEvents } from './write-events.ts'

interface Options {
  readonly query?: string
  readonly input?: string
  readonly output?: string
  readonly partitions: number
  readonly restartEvery?: number
  readonly bench?: true
  readonly events: number
  readonly generate?: number
  readonly profile: 'B' | 'X'
  readonly rate: number
  readonly group: number
}

const command = new Command('nexmark')
  .description('Runs the queries of the Nexmark benchmark, or generates their events.')
  .option('--query <id>', `${Object.keys(queries).join(' ')}; with --bench several, by commas`)
  .option('--input <file>', 'events as JSON lines, .gz too, in any order')
  .option('--output <file>', 'rows, or generated events, as JSON lines')
  .option('--partitions <n>', 'of the topic of events; each is a task', whole, 1)
  .option('--restart-every <n>', 'stops without warning every n records, and goes on', whole)
  .option('--bench', 'measures queries on generated events, in memory and on disk')
  .option('--events <n>', 'how many, with --bench', whole, 1_000_000)
  .option('--generate <n>', 'writes so many events to --output', whole)
  .addOption(new Option('--profile <p>', 'generator').choices(['B', 'X']).default('X'))
  .option('--rate <n>', 'generated events in a second of event time', whole, 10_000)
  .option('--group <n>', 'generated events are shuffled within groups of so many', group, 1)

function whole(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new InvalidArgumentError('it takes a whole number of at least 1.')
}

/** The order of a group steps by 953: within a multiple of it some events would come twice. */
function group(text: string): number {
  const number = whole(text)
  if (number % 953 !== 0) return number
  throw new InvalidArgumentError('it cannot be a multiple of 953.')
}

async function main(options: Options): Promise<void> {
  const { query, input, output, generate } = options
  if (options.bench === true) {
    const chosen = query?.split(',') ?? Object.keys(queries)
    for (const id of chosen) if (!(id in queries)) refuse(`there is no query '${id}'`)
    return bench(chosen, options.events)
  }
  if (generate !== undefined) {
    if (output === undefined) refuse('--generate needs --output')
    await writeEvents(output, { ...options, events: generate })
    return
  }
  if (query === undefined || input === undefined || output === undefined) {
    refuse('give --query, --input and --output, or --bench, or --generate')
  }
  const chosen = queries[query]
  if (chosen === undefined) refuse(`there is no query '${query}'`)
  const { partitions, restartEvery = null } = options
  const result = await runQuery(chosen, { input, partitions, restartEvery })
  await writeFile(output, result.lines.map((line) => `${line}\n`).join(''))
  const { records, lines, restarts, late, dead } = result
  const restarted = restarts === 0 ? '' : `, ${restarts} restarts`
  process.stdout.write(
    `${query}: ${records} events, ${lines.length} rows${restarted}, ` +
      `${late} late, ${dead} dead -> ${output}\n`,
  )
}

function refuse(text: string): never {
  return command.error(`nexmark: ${text}; see --help`)
}

try {
  await main(command.parse().opts<Options>())
} catch (thrown) {
  process.stderr.write(`nexmark: ${messageOf(thrown)}\n`)
  process.exitCode = 1
}
