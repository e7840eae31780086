/** The plans of a file's pipelines on standard output. */
import { buildPlan } from '../pipeline/build-plan.ts'
import { planJson, planMermaid, planText } from '../pipeline/explain-plan.ts'
import type { Pipeline } from '../pipeline/node.ts'
import type { Plan } from '../pipeline/plan.ts'
import { pipelinesOf } from '../pipeline/pipelines-of.ts'
import type { Context } from './context.ts'
import { asFileFault, loadPipelineFile, pipelinesIn } from './pipeline-file.ts'

export interface PlanOptions {
  readonly format: 'text' | 'json' | 'mermaid'
  readonly json?: true
  readonly name?: string
  readonly tasks: 'one' | 'per-partition'
}

/** One plan for each pipeline name, as `millrace run` would run them. */
export async function printPlans(
  file: string,
  options: PlanOptions,
  context: Context,
): Promise<void> {
  const loaded = await loadPipelineFile(file)
  const print = printers[options.json === true ? 'json' : options.format]
  try {
    const groups = byName(pipelinesOf(pipelinesIn(loaded)), options.name ?? loaded.name)
    const repartition = options.tasks === 'per-partition'
    const plans = [...groups].map(([name, group]) => buildPlan(group, { name, repartition }))
    await context.stdout.write(plans.map(print).join(''))
  } catch (thrown) {
    throw asFileFault(thrown, loaded)
  }
}

const printers = {
  text: planText,
  mermaid: planMermaid,
  json: (plan: Plan) => `${JSON.stringify(planJson(plan))}\n`,
}

function byName(pipelines: readonly Pipeline[], name: string): Map<string, Pipeline[]> {
  return Map.groupBy(pipelines, (pipeline) => pipeline.name ?? name)
}
