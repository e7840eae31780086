/**
 * `simulate`: a pipeline's committed outputs are the same whatever goes wrong. The engine itself
 * runs, on a log in memory and virtual time; only the faults are made up.
 *
 * All input lies in the log from the start, or grows by itself, and the wall clock stands until it
 * is read: so what is late, and which partition is idle, is the same in every run. Then the clock
 * goes on, and windows that wait for it close. Records of a further wave come after that.
 */
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { systemClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { seededRandom } from '../../core/random.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { pipelinesOf } from '../../pipeline/pipelines-of.ts'
import {
  drawFaults,
  faultKinds,
  faultText,
  simplerFaults,
  type Fault,
  type FaultKind,
} from './fault.ts'
import { clockMoved, differingStep } from './nondeterminism.ts'
import { difference } from './outcome.ts'
import { shrinkList, simplifyList } from './shrink.ts'
import { runOnce, type RunResult } from './simulation.ts'
import { encodeInput, type InputRecord, type SimulatedRecord } from './simulation-input.ts'
import { subjectOf, type Subject } from './subject.ts'
import { throwsOf } from './throwing.ts'
import { type MakeWorld, MemoryWorld, type WrapLog } from './world.ts'

/**
 * A pipeline, or several that run as one. As a function it is made anew for each simulated process:
 * then what its functions keep in variables is lost in a crash, as in a real one.
 */
export type SimulatedPipeline =
  | Pipeline
  | readonly Pipeline[]
  | (() => Pipeline | readonly Pipeline[])

export interface SimulateOptions {
  /** What the topics hold, in order. See `inputOf`. */
  readonly input: readonly SimulatedRecord[]
  /** How many seeds, from 1 on, or which ones. Each is one run with faults. Default 100. */
  readonly seeds?: number | readonly number[]
  /** Kinds of faults that may happen. Default: all. */
  readonly faults?: readonly FaultKind[]
  /**
   * `one` task for all partitions, or tasks `per-partition`, through repartition topics where keys
   * change. Then records of several partitions meet in any order behind a repartition: where
   * results depend on that order, or records come later than `outOfOrder` allows, runs may rightly
   * differ, and are said to. Default `one`, where they never may.
   */
  readonly tasks?: 'one' | 'per-partition'
  /** How long the wall clock goes on after the last record, so that windows close. Default '1h'. */
  readonly settle?: Duration
  /** How long it goes on before each further wave of records. Default '1m'. */
  readonly betweenWaves?: Duration
  /**
   * `latest`: what lies in the log when the pipeline first runs is not read; records of wave 0 are
   * such ones. Default `earliest`.
   */
  readonly startAt?: 'earliest' | 'latest'
  /** How long a failing case may be made smaller, real time. Default '5s'. */
  readonly shrinkFor?: Duration
}

/** What a simulation that found nothing has done. */
export interface SimulationReport {
  /** With faults; those without are not counted. */
  readonly runs: number
  /** In all runs. */
  readonly commits: number
  /** How many faults of each kind happened. */
  readonly faults: Readonly<Record<FaultKind, number>>
}

const traceLinesMax = 60

/**
 * Runs a pipeline without faults, and then once for each seed with faults: crashes at every kind of
 * step, commits that fail, are slow or lose their answer, pauses past the lease with a zombie after
 * it, tasks that move, partitions that stall, functions that throw, small reads. The committed
 * outputs, dead letters and late records must be the same, record by record for each key.
 * @param pipeline its functions must not wait for real time: a simulated hour takes milliseconds
 * @throws `simulation-failed` with the seed, the smallest input and faults that were found, and
 * what happened · `not-deterministic` with the step, where runs without faults differ ·
 * `invalid-plan` · `unknown-topic`
 * @example
 * const counts = from(words).window(tumbling('10s')).aggregate({ n: count() })
 * const input = inputOf(words, ['a', 'b', 'a'], (_word, i) => ({ time: i * 4_000 }))
 * const report = await simulate(counts.to(topic('counts')), { input, seeds: 20 })
 * report.runs // => 20
 */
export async function simulate(
  pipeline: SimulatedPipeline,
  options: SimulateOptions,
): Promise<SimulationReport> {
  return await simulateOn({}, pipeline, options)
}

/**
 * As `simulate`, on other storage.
 * @param on a log of another kind between engine and memory; or what makes the storage of a run:
 * without it, as `simulate`
 */
export async function simulateOn(
  on: WrapLog | { readonly world?: MakeWorld },
  pipeline: SimulatedPipeline,
  options: SimulateOptions,
): Promise<SimulationReport> {
  const make = typeof pipeline === 'function' ? pipeline : (): typeof pipeline => pipeline
  const subject = subjectOf(() => pipelinesOf(make()), {
    tasks: options.tasks ?? 'one',
    settleMs: durationMs(options.settle ?? '1h', 'settle'),
    betweenMs: durationMs(options.betweenWaves ?? '1m', 'betweenWaves'),
    startAt: options.startAt ?? 'earliest',
    ...(typeof on === 'function' ? { world: () => new MemoryWorld(on) } : on),
  })
  const input = encodeInput(options.input, subject.sources)
  const kinds = (options.faults ?? faultKinds).filter((kind) => isPossible(kind, subject))
  const expected = await withoutFaults(subject, input)
  const counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >
  let runs = 0
  let commits = 0
  for (const seed of seedsOf(options.seeds ?? 100)) {
    const faults = drawFaults(seededRandom(seed), kinds, input.length)
    const result = await runOnce({ subject, input, faults, seed, tap: null })
    const found = verdict(await comparedWith(expected, { subject, input, faults }), result)
    if (found !== null) {
      const shrinkMs = durationMs(options.shrinkFor ?? '5s', 'shrinkFor')
      throw await failure({ subject, input, faults, seed, shrinkMs })
    }
    runs += 1
    commits += result.commits
    for (const { kind } of result.met) counts[kind] += 1
  }
  return { runs, commits, faults: counts }
}

function isPossible(kind: FaultKind, subject: Subject): boolean {
  const { tasks, throwing, sources, startAt, world } = subject
  // Other storage is no disk.
  if (kind === 'disk') return world === undefined
  // Of several partitions those that end sooner would be taken for ones without more records.
  if (kind === 'growing-input') {
    const isAlone = [...sources.values()].every((spec) => (spec.partitions ?? 1) === 1)
    return isAlone && sources.size === 1 && startAt === 'earliest'
  }
  // One task is one process's.
  if (kind === 'hand-over') return tasks === 'per-partition'
  return kind !== 'throws' || throwing.size > 0
}

function seedsOf(seeds: number | readonly number[]): readonly number[] {
  return typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i + 1) : seeds
}

/** Twice, to see whether the pipeline is deterministic. @throws `not-deterministic` */
async function withoutFaults(subject: Subject, input: readonly InputRecord[]): Promise<RunResult> {
  const first = await runOnce({ subject, input, faults: [], tap: null })
  if (first.stuck !== null) {
    throw new MillraceError('simulation-failed', `without any fault: ${first.stuck}`, {
      hint: lastLines(first.trace),
    })
  }
  await clockMoved()
  const second = await runOnce({ subject, input, faults: [], tap: null })
  const found = difference(first.outcome, second.outcome)
  if (found !== null) throw await notDeterministic(subject, input, found)
  return first
}

/** The run without faults, but with functions that throw at the same records. */
async function comparedWith(
  withoutThrows: RunResult,
  { subject, input, faults }: Pick<Case, 'subject' | 'input' | 'faults'>,
): Promise<RunResult> {
  const throws = throwsOf(faults)
  if (throws.length === 0) return withoutThrows
  return await runOnce({ subject, input, faults: throws, tap: null })
}

/** Why a run with faults is not as one without; null: it is. */
function verdict(expected: RunResult, result: RunResult): string | null {
  return result.stuck ?? difference(expected.outcome, result.outcome)
}

interface Case {
  readonly subject: Subject
  readonly input: readonly InputRecord[]
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly shrinkMs: number
}

async function failure({ subject, input, faults, seed, shrinkMs }: Case): Promise<MillraceError> {
  const endMs = systemClock.monotonic() + shrinkMs
  const isOver = (): boolean => systemClock.monotonic() >= endMs
  const outcomeOf = async (
    records: readonly InputRecord[],
    some: readonly Fault[],
  ): Promise<{ found: string; result: RunResult } | null> => {
    const throws = throwsOf(some)
    const expected = await runOnce({ subject, input: records, faults: throws, tap: null })
    if (expected.stuck !== null) return null
    const result = await runOnce({ subject, input: records, faults: some, seed, tap: null })
    const found = verdict(expected, result)
    return found === null ? null : { found, result }
  }
  const step = await differingStep(subject, input)
  if (step !== null) return named(subject, step)
  let records = input
  let some = faults
  const failsWith = async (less: readonly Fault[]): Promise<boolean> =>
    !isOver() && (await outcomeOf(records, less)) !== null
  const failsOn = async (less: readonly InputRecord[]): Promise<boolean> =>
    !isOver() && (await outcomeOf(less, some)) !== null
  for (let before = ''; before !== sizeOf(records, some);) {
    before = sizeOf(records, some)
    some = await shrinkList(some, failsWith, isOver)
    some = await simplifyList(some, simplerFaults, failsWith)
    records = await shrinkList(records, failsOn, isOver)
  }
  const smallest = await outcomeOf(records, some)
  if (smallest === null) {
    return new MillraceError('not-deterministic', `seed ${seed} failed once and not again`, {
      at: { pipeline: subject.name },
      hint: 'a function of the pipeline reads the clock, chance, or what an earlier run has left',
    })
  }
  return failed({ subject, seed, records, faults: some, ...smallest })
}

function sizeOf(records: readonly InputRecord[], faults: readonly Fault[]): string {
  return `${records.length} ${JSON.stringify(faults)}`
}

interface Failed {
  readonly subject: Subject
  readonly seed: number
  readonly records: readonly InputRecord[]
  readonly faults: readonly Fault[]
  readonly found: string
  readonly result: RunResult
}

function failed({ subject, seed, records, faults, found, result }: Failed): MillraceError {
  const text = [
    `seed ${seed}: the run with faults differs from the one without: ${found}`,
    `faults (${faults.length}):`,
    ...faults.map((fault) => `  ${faultText(fault)}`),
    `input (${records.length} records):`,
    ...records.slice(0, traceLinesMax).map((record) => `  ${record.text}`),
    'what happened:',
    lastLines(result.trace),
  ].join('\n')
  return new MillraceError('simulation-failed', text, {
    at: { pipeline: subject.name },
    hint: `run it again with seeds: [${seed}]`,
  })
}

function lastLines(trace: readonly string[]): string {
  const left = trace.length - traceLinesMax
  const head = left > 0 ? [`  … ${left} lines before`] : []
  return [...head, ...trace.slice(-traceLinesMax).map((line) => `  ${line}`)].join('\n')
}

async function notDeterministic(
  subject: Subject,
  input: readonly InputRecord[],
  found: string,
): Promise<MillraceError> {
  const step = await differingStep(subject, input)
  if (step !== null) return named(subject, step)
  return new MillraceError('not-deterministic', `two runs without faults differ: ${found}`, {
    at: { pipeline: subject.name },
    hint: 'the key or codec of an output topic reads the clock or chance',
  })
}

function named(subject: Subject, { step, text }: { step: string; text: string }): MillraceError {
  const message = `step '${step}' gives other results for the same input: ${text}`
  return new MillraceError('not-deterministic', message, {
    at: { pipeline: subject.name, step },
    hint: 'take the time from the record, and chance from a hash of it',
  })
}
