/** Input for a pipeline that nobody wrote by hand: records of a topic over a stretch of time. */
import { stringCodec } from '../../core/codec.ts'
import type { Duration } from '../../core/duration.ts'
import { type Random, seededRandom } from '../../core/random.ts'
import type { Step } from '../../pipeline/plan.ts'
import type { TopicSpec } from '../../pipeline/node.ts'
import type { SimulatedRecord } from '../simulate/simulation-input.ts'
import { arbitraryOf } from './arbitrary.ts'
import { describesItself } from './describe-schema.ts'
import { fastCheck } from './fast-check.ts'
import { isPlainObject } from './json-schema.ts'
import { everydayWords } from './leaves.ts'
import { recordsAt } from './records-at.ts'
import { disorder, duplicate, late } from './shape-stream.ts'

export interface GenerateOptions {
  readonly records: number
  readonly seed: number
  readonly scale: TimeScale
  /** Whether some records may come too late. */
  readonly late: 'some' | 'none'
}

/** The lengths of time that a pipeline's steps speak of, ms. */
export interface TimeScale {
  readonly shortestMs: number
  readonly longestMs: number
}

/** Event time at which generated input begins. */
const startMs = Date.UTC(2024, 0, 1)
/** Records within the shortest window, about. */
const recordsPerWindow = 8
/** The input lasts this many of the longest windows, about. */
const windows = 4
/** One step in so many is a longer silence. */
const silenceEvery = 10
const duplicateShare = 0.03
const lateShare = 0.03

/** From what values of a topic can be made; null: nobody knows what they look like. */
export function valueSource(spec: TopicSpec): 'schema' | 'text' | null {
  if (describesItself(spec.schema)) return 'schema'
  return spec.schema === null && spec.codec === stringCodec ? 'text' : null
}

/**
 * Records with few keys, rising event times out of order within the topic's bound, some twice and
 * some late. The same for the same options.
 * @param spec one for which `valueSource` knows something
 * @throws what `arbitrary` throws
 */
export function generateInput(spec: TopicSpec, options: GenerateOptions): SimulatedRecord[] {
  const { records, seed, scale } = options
  const random = seededRandom(seed)
  const schema = valueSource(spec) === 'text' ? { type: 'string' } : spec.schema
  const made = arbitraryOf(schema, 'everyday')
  const values = fastCheck().sample(made, { numRuns: records, seed: random.int(2 ** 31) })
  let timeMs = startMs
  const plans = values.map((value) => {
    timeMs += stepMs(random, records, scale)
    const key = everydayWords[random.int(everydayWords.length)] ?? ''
    return { value, timeMs, key }
  })
  const by: Duration = `${spec.outOfOrderMs}ms`
  const stream = disorder(recordsAt(spec, plans), by, { seed })
  const all = duplicate(stream, { seed, share: duplicateShare })
  if (options.late === 'none') return all
  // Some within what windows still take, some beyond.
  const farBy: Duration = `${spec.outOfOrderMs + scale.longestMs}ms`
  return late(late(all, by, { seed, share: lateShare }), farBy, {
    seed: seed + 1,
    share: lateShare,
  })
}

function stepMs(random: Random, records: number, { shortestMs, longestMs }: TimeScale): number {
  const isSilence = random.int(silenceEvery) === 0
  const meanMs = isSilence
    ? (windows * longestMs * silenceEvery) / records
    : shortestMs / recordsPerWindow
  return random.int(Math.max(1, Math.round(2 * meanMs)) + 1)
}

const usualScale: TimeScale = { shortestMs: 10_000, longestMs: 10_000 }
const lengthNames = /^(?:size|gap|step|every|within|before|after|tolerance|lateness)Ms$/

/** Of the windows, joins and patterns of a plan. */
export function timeScaleOf(steps: readonly Step[]): TimeScale {
  const lengths = steps.flatMap(({ node }) => {
    return node.kind === 'source' ? [] : lengthsIn(node, 0)
  })
  const usual = lengths.filter((ms) => Number.isFinite(ms) && ms > 0)
  if (usual.length === 0) return usualScale
  return { shortestMs: Math.min(...usual), longestMs: Math.max(...usual) }
}

/** Objects within objects that are looked at. */
const depthMax = 3

function lengthsIn(value: object, depth: number): number[] {
  return Object.entries(value).flatMap(([name, one]: [string, unknown]) => {
    if (name === 'input' || name === 'inputs' || name === 'topic') return []
    if (typeof one === 'number') return lengthNames.test(name) ? [one] : []
    return isPlainObject(one) && depth < depthMax ? lengthsIn(one, depth + 1) : []
  })
}
