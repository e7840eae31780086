/**
 * Random pipelines with their input, each made of a seed alone: for the simulation, and for real
 * processes, which make the pipeline anew of the seed.
 */
import type { Pipeline } from '../../src/index.ts'
import { pipeline } from '../../src/index.ts'
import { inputsOf } from '../../src/pipeline/node.ts'
import type { Node } from '../../src/pipeline/node.ts'
import type { RandomCase } from './case.ts'
import { Dice } from './dice.ts'
import { modelCase } from './model-case.ts'
import { randomInput } from './random-input.ts'
import { growPlan } from './random-plan.ts'
import type { Plan } from './random-plan.ts'
import { drawSettings } from './sources.ts'
import type { CaseSettings } from './source.ts'

export type { BatchModel, RandomCase } from './case.ts'

export interface CaseOptions {
  /**
   * `real`: for processes with a clock of their own. Nothing depends on when the wall clock moves
   * then, and the input ends with records that complete all windows. Default: `simulated`.
   */
  readonly clock?: 'simulated' | 'real'
}

/** One of so many cases is of a shape of which a batch model says what must come out. */
const modelEvery = 4

/** @param seed a whole number from 0: it decides everything */
export function randomCase(seed: number, { clock = 'simulated' }: CaseOptions = {}): RandomCase {
  if (clock === 'simulated' && seed % modelEvery === modelEvery - 1) return modelCase(seed)
  const first = makePlan(seed, clock)
  const { dice, settings, plan } = first
  const read = topicsRead(plan.ground.outputs)
  const sources = plan.sources.filter(({ name }) => read.has(name))
  const { records, closing } = randomInput(dice, settings, sources)
  const mustClose = clock === 'real' || settings.flow !== 'at once'
  const isClosed = mustClose || dice.percent(settings.idle === 'wait' ? 90 : 30)
  const { uses } = plan.ground
  if (isClosed) uses.add('input: closing records')
  uses.add(`input: ${settings.flow}`)
  if (settings.startAt === 'latest') uses.add('input: read from its end')
  return {
    seed,
    text: [
      `tasks: ${settings.tasks}, input ${settings.flow}, startAt: ${settings.startAt}`,
      `keys: ${JSON.stringify(settings.keys)}`,
      ...sources.map(({ name, text }) => `${name} = ${text}`),
      ...plan.ground.lines,
    ].join('\n'),
    pipelines: () => [pipeline('random', ...makePlan(seed, clock).plan.ground.outputs)],
    input: isClosed ? [...records, ...closing] : records,
    tasks: settings.tasks,
    startAt: settings.startAt,
    model: null,
    uses,
    outputs: [...topicsWritten(plan.ground.outputs)],
  }
}

interface Made {
  readonly dice: Dice
  readonly settings: CaseSettings
  readonly plan: Plan
}

function makePlan(seed: number, clock: 'simulated' | 'real'): Made {
  const dice = new Dice(seed)
  const settings = drawSettings(dice, clock)
  return { dice, settings, plan: growPlan(dice, settings, clock === 'real') }
}

function topicsRead(outputs: readonly Pipeline[]): Set<string> {
  const names = new Set<string>()
  const visit = (node: Node): void => {
    if (node.kind === 'source') names.add(node.topic.name)
    inputsOf(node).forEach(visit)
  }
  for (const { sinks } of outputs) sinks.forEach(visit)
  return names
}

function topicsWritten(outputs: readonly Pipeline[]): Set<string> {
  const sinks = outputs.flatMap((one) => one.sinks)
  return new Set(sinks.flatMap((sink) => (sink.kind === 'to' ? [sink.topic.name] : [])))
}
