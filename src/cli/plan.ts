/** `millrace plan`: prints what a file's pipelines become, without running them. */
import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { someText } from './option-values.ts'

interface PlanOptions {
  readonly format: 'text' | 'json' | 'mermaid'
  readonly json?: true
  readonly name?: string
  readonly tasks: 'one' | 'per-partition'
}

export function registerPlan(program: Command, context: Context): void {
  program
    .command('plan <file>')
    .description('print the steps of the pipelines of a file, without running them')
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'json', 'mermaid'])
        .default('text'),
    )
    .option('--json', 'the same as --format json')
    .option('--name <name>', "name of the pipeline (default: the file's)", someText)
    .addOption(
      new Option('--tasks <mode>', 'one task for all partitions, or one for each')
        .choices(['one', 'per-partition'])
        .default('one'),
    )
    .addHelpText('after', '\nExample:\n  millrace plan pipeline.ts --format mermaid')
    .action(async (file: string, options: PlanOptions) => {
      const { asFileFault, loadPipelineFile, pipelinesIn } = await import('./pipeline-file.ts')
      const { buildPlan } = await import('../pipeline/build-plan.ts')
      const { planJson, planMermaid, planText } = await import('../pipeline/explain-plan.ts')
      const loaded = await loadPipelineFile(file)
      const pipelines = pipelinesIn(loaded)
      const format = options.json === true ? 'json' : options.format
      try {
        const plan = buildPlan(pipelines, {
          name: options.name ?? loaded.name,
          repartition: options.tasks === 'per-partition',
        })
        const print = { text: planText, mermaid: planMermaid, json: toJson }[format]
        await context.stdout.write(print(plan))
      } catch (thrown) {
        throw asFileFault(thrown, loaded)
      }
      function toJson(plan: Parameters<typeof planJson>[0]): string {
        return `${JSON.stringify(planJson(plan), null, 2)}\n`
      }
    })
}
