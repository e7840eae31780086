/** `millrace test`: simulates the pipelines of a file with faults. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type FaultKind, faultKinds } from '../testing/simulate/fault.ts'
import type { Context } from './context.ts'
import { wholeNumber } from './option-values.ts'
import type { TestFileOptions } from './test-file.ts'

const helpEnd = `
Runs the real engine on a log in memory and simulated time: without faults, and then once for each
seed with faults. What is committed must be the same. No data directory and no broker is touched.

Values are made from a topic's schema where it describes itself (zod, arktype) and for string();
that needs the package fast-check. Event times go on through several windows, a bit out of order,
some records come twice or late. For other topics, give lines of them with --input: one value a
line, as 'millrace produce' takes them.

Example:
  millrace test pipeline.ts --seeds 1000
  millrace test pipeline.ts --input clicks=clicks.ndjson --faults crash,pause`

export function registerTest(program: Command, context: Context): void {
  program
    .command('test <file>')
    .description('simulate the pipelines of a file: the same results whatever goes wrong')
    .option('--seeds <n>', 'runs with faults (default: 100)', wholeNumber(1, 1_000_000))
    .addOption(
      new Option('--seed <n>', 'one run, with the faults of this seed')
        .argParser(wholeNumber(1))
        .conflicts('seeds'),
    )
    .option('--records <n>', 'records made for each topic', wholeNumber(1, 100_000), 200)
    .addOption(
      new Option(
        '--faults <kinds>',
        `what may happen, of ${faultKinds.join(',')} (default: all)`,
      ).argParser(faultList),
    )
    .addOption(
      new Option('--tasks <mode>', 'one task for all partitions, or one for each')
        .choices(['one', 'per-partition'])
        .default('one'),
    )
    .addOption(
      new Option('--input <topic=file>', 'records of a topic, one value a line; may be repeated')
        .argParser(inputFile)
        .default(new Map(), 'made from the schemas'),
    )
    .option('--data <dir>', 'taken as by every command; a test touches no data')
    .option('--json', 'one JSON object for each pipeline name')
    .addHelpText('after', helpEnd)
    .action(async (file: string, options: TestFileOptions) => {
      const { testFile } = await import('./test-file.ts')
      await testFile(file, options, context)
    })
}

function faultList(text: string): FaultKind[] {
  const wanted = text.split(',')
  const kinds = faultKinds.filter((kind) => wanted.includes(kind))
  if (kinds.length === new Set(wanted).size) return kinds
  throw new InvalidArgumentError(`Write some of ${faultKinds.join(',')}.`)
}

function inputFile(text: string, files: ReadonlyMap<string, string>): Map<string, string> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) {
    throw new InvalidArgumentError("Write a topic and a file, as 'clicks=clicks.ndjson'.")
  }
  return new Map([...files, [text.slice(0, at), text.slice(at + 1)]])
}
