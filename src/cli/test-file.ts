/** The pipelines of a file, simulated with faults. */
import { isCode, MillraceError } from '../core/error.ts'
import { buildPlan } from '../pipeline/build-plan.ts'
import type { Pipeline, TopicSpec } from '../pipeline/node.ts'
import type { Step } from '../pipeline/plan.ts'
import { pipelinesOf } from '../pipeline/pipelines-of.ts'
import { timeScaleOf } from '../testing/generate/generate-input.ts'
import { type FaultKind, faultKinds } from '../testing/simulate/fault.ts'
import { simulate } from '../testing/simulate/simulate.ts'
import type { SimulatedRecord } from '../testing/simulate/simulation-input.ts'
import type { Context } from './context.ts'
import { asFileFault, loadPipelineFile, pipelinesIn } from './pipeline-file.ts'
import { writtenBy } from './test-outputs.ts'
import { failureJson, type TestReport, testJson, testText } from './test-report.ts'
import { checkInputs, testInputs, type TopicInput } from './test-input.ts'
import { plural } from './text-format.ts'

export interface TestFileOptions {
  readonly seeds?: number
  readonly seed?: number
  readonly records: number
  readonly faults?: readonly FaultKind[]
  readonly tasks: 'one' | 'per-partition'
  readonly input: ReadonlyMap<string, string>
  readonly json?: true
}

const seedsDefault = 100
/** Seeds share so many inputs: another one in each run would double the runs without faults. */
const inputsMax = 5
/** Beside the lengths of the pipeline's windows and of the input: idle inputs, restarts. */
const settleMsMore = 3_600_000
/** A failing case is made smaller for so long. */
const shrinkFor = '10s'

/**
 * Prints a report of each pipeline name.
 * @throws `simulation-failed` · `not-deterministic` · what is wrong with the file or the input
 */
export async function testFile(
  file: string,
  options: TestFileOptions,
  context: Context,
): Promise<void> {
  const loaded = await loadPipelineFile(file)
  const groups = pipelineGroups(loaded)
  const all = [...groups].flatMap(([name, pipelines]) => sourcesOf(stepsOf(name, pipelines)))
  checkInputs(all, options.input, context.note)
  for (const [name, pipelines] of groups) {
    const write = async (text: string): Promise<void> => void (await context.stdout.write(text))
    try {
      const report = await testOne({ file, name, pipelines, options, context })
      await write(options.json === true ? testJson(report) : testText(report))
    } catch (thrown) {
      if (options.json === true && thrown instanceof MillraceError) {
        await write(failureJson(name, thrown))
      }
      throw thrown
    }
  }
}

function pipelineGroups(
  loaded: Awaited<ReturnType<typeof loadPipelineFile>>,
): Map<string, Pipeline[]> {
  try {
    const all = pipelinesOf(pipelinesIn(loaded))
    const named = all.map((one) => ({ ...one, name: one.name ?? loaded.name }))
    return Map.groupBy(named, ({ name }) => name)
  } catch (thrown) {
    throw asFileFault(thrown, loaded)
  }
}

interface OneTest {
  readonly file: string
  readonly name: string
  readonly pipelines: readonly Pipeline[]
  readonly options: TestFileOptions
  readonly context: Context
}

async function testOne(test: OneTest): Promise<TestReport> {
  const { name, pipelines, options, context } = test
  const steps = stepsOf(name, pipelines)
  const scale = timeScaleOf(steps)
  const late = options.tasks === 'one' ? 'some' : 'none'
  const inputs = testInputs(sourcesOf(steps), { ...options, scale, late })
  const beganMs = context.clock.monotonic()
  const isMade = inputs.some(({ topic }) => !options.input.has(topic))
  const seeds = seedsOf(options)
  const rounds = [...Map.groupBy(seeds, (seed) => (isMade ? seed % inputsMax : 0))]
  context.note(`millrace: pipeline '${name}': ${plural(seeds.length, 'run')} with faults …`)
  const first = await writtenBy(pipelines, inputOf(inputs, rounds[0]?.[0] ?? 0), options.tasks)
  const faults = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >
  let commits = 0
  for (const [inputSeed, some] of rounds) {
    const input = inputOf(inputs, inputSeed)
    const report = await simulated(test, input, { seeds: some, longestMs: scale.longestMs })
    commits += report.commits
    for (const kind of faultKinds) faults[kind] += report.faults[kind]
  }
  return {
    name,
    runs: seeds.length,
    inputs: inputs.map((one) => ({ ...one, records: one.records(rounds[0]?.[0] ?? 0) })),
    inputCount: rounds.length,
    written: first,
    commits,
    faults,
    ms: context.clock.monotonic() - beganMs,
  }
}

function stepsOf(name: string, pipelines: readonly Pipeline[]): readonly Step[] {
  return buildPlan(pipelines, { name, repartition: false }).parts.flatMap((part) => part.steps)
}

function sourcesOf(steps: readonly Step[]): TopicSpec[] {
  const topics = steps.flatMap(({ node }) => (node.kind === 'source' ? node.topic : []))
  return [...new Map(topics.map((spec) => [spec.name, spec])).values()]
}

function seedsOf({ seed, seeds = seedsDefault }: TestFileOptions): number[] {
  return seed === undefined ? Array.from({ length: seeds }, (_, i) => i + 1) : [seed]
}

function inputOf(inputs: readonly TopicInput[], seed: number): SimulatedRecord[] {
  return inputs.flatMap(({ records }) => records(seed))
}

async function simulated(
  { file, pipelines, options }: OneTest,
  input: readonly SimulatedRecord[],
  { seeds, longestMs }: { readonly seeds: readonly number[]; readonly longestMs: number },
): ReturnType<typeof simulate> {
  try {
    return await simulate(pipelines, {
      input,
      seeds,
      tasks: options.tasks,
      settle: `${settleMsOf(input, longestMs)}ms`,
      shrinkFor,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    })
  } catch (thrown) {
    if (isCode(thrown, 'not-deterministic')) {
      const { code, message, at, cause } = thrown
      throw new MillraceError(code, withoutPlace(message), { hint: sameHint, at, cause })
    }
    if (!isCode(thrown, 'simulation-failed')) throw thrown
    const seed = /^seed (\d+):/.exec(thrown.message)?.[1]
    if (seed === undefined) throw thrown
    throw new MillraceError(thrown.code, withoutPlace(thrown.message), {
      hint: `run it again: ${againText(file, seed, options)}`,
      cause: thrown,
    })
  }
}

const sameHint =
  'take the time from the record, chance from a hash of it, and keep state in steps, not in ' +
  'variables; instead of a call outside, give a function that answers by itself'

/** The place stands in `at`, and is put behind again. */
function withoutPlace(message: string): string {
  return message.replace(/ \(pipeline '.*'\)$/, '')
}

/**
 * So long that every window closes: then it does not matter how long a run with faults took. A
 * watermark may stand where the input that ended first does.
 */
function settleMsOf(input: readonly SimulatedRecord[], longestMs: number): number {
  const times = input.flatMap(({ time }) => time ?? [])
  const spanMs =
    times.reduce((a, b) => Math.max(a, b), 0) - times.reduce((a, b) => Math.min(a, b), Infinity)
  return Math.max(0, spanMs) + 2 * longestMs + settleMsMore
}

/** The command line that meets the same failure. */
function againText(file: string, seed: string, options: TestFileOptions): string {
  const { records, faults, tasks, input } = options
  return [
    `millrace test ${file} --seed ${seed} --records ${records}`,
    ...(faults === undefined ? [] : [`--faults ${faults.join(',')}`]),
    ...(tasks === 'one' ? [] : [`--tasks ${tasks}`]),
    ...[...input].map(([topic, path]) => `--input ${topic}=${path}`),
  ].join(' ')
}
