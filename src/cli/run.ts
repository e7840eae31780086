/** `millrace run`: runs the pipelines of a file. */
import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { withDataOptions } from './data-options.ts'
import { withHttpOptions } from './http-command-options.ts'
import { someText } from './option-values.ts'
import type { RunFileOptions } from './run-file.ts'
import { withLogFormat } from './run-notes.ts'

const helpEnd = `
The file's default export is a pipeline, an array of pipelines, or a promise of either; 'millrace'
can be imported from anywhere. TypeScript runs as it is. A file that calls run() itself works, too.
Ctrl-C (or SIGTERM) finishes the records in hand, commits, and exits with 0.

Example:
  millrace run pipeline.ts --name orders-by-hour`

export function registerRun(program: Command, context: Context): void {
  withLogFormat(withHttpOptions(withDataOptions(program.command('run <file>'))))
    .description('run the pipelines of a TypeScript or JavaScript file until Ctrl-C')
    .option(
      '--name <name>',
      "name of the pipeline: offsets and state belong to it (default: the file's)",
      someText,
    )
    .option('--take-over', 'stop whoever runs a pipeline of this name now')
    .addOption(
      new Option(
        '--tasks <mode>',
        'one task for all partitions, or one for each (default: one; per-partition on Kafka)',
      ).choices(['one', 'per-partition']),
    )
    .addOption(
      new Option('--from <where>', 'where inputs begin at the first run')
        .choices(['earliest', 'latest'])
        .default('earliest'),
    )
    .addHelpText('after', helpEnd)
    .action(async (file: string, options: RunFileOptions) => {
      const { runFile } = await import('./run-file.ts')
      await runFile(file, options, context)
    })
}
