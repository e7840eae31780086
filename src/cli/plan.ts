/** `millrace plan`: prints what a file's pipelines become, without running them. */
import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { someText } from './option-values.ts'
import type { PlanOptions } from './print-plans.ts'

export function registerPlan(program: Command, context: Context): void {
  program
    .command('plan <file>')
    .description('print the steps of the pipelines of a file, without running them')
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'json', 'mermaid'])
        .default('text'),
    )
    .option('--data <dir>', 'taken as by every command; a plan touches no data')
    .option('--json', 'the same as --format json: one line for each pipeline name')
    .option('--name <name>', "name of the pipeline (default: the file's)", someText)
    .addOption(
      new Option('--tasks <mode>', 'one task for all partitions, or one for each')
        .choices(['one', 'per-partition'])
        .default('one'),
    )
    .addHelpText('after', '\nExample:\n  millrace plan pipeline.ts --format mermaid')
    .action(async (file: string, options: PlanOptions) => {
      const { printPlans } = await import('./print-plans.ts')
      await printPlans(file, options, context)
    })
}
