/** The pipelines of the model tests, with what they must do said by plain loops. */
import { collect } from '../../pipeline/aggregators/collect.ts'
import { count } from '../../pipeline/aggregators/count.ts'
import { distinct } from '../../pipeline/aggregators/distinct.ts'
import { max, min } from '../../pipeline/aggregators/extreme.ts'
import { first, last } from '../../pipeline/aggregators/first-last.ts'
import { mean, sum } from '../../pipeline/aggregators/sum.ts'
import { from } from '../../pipeline/from.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { pipeline } from '../../pipeline/pipeline.ts'
import type { Stream } from '../../pipeline/stream.ts'
import { topic } from '../../pipeline/topic.ts'
import type { Topic } from '../../pipeline/topic.ts'
import { tumbling } from '../../pipeline/window.ts'
import type { FoldRules } from './fold-model.ts'

interface InputValue {
  readonly k: string | null
  readonly v: number
  readonly t: number
}

export interface TestedFold {
  readonly rules: FoldRules
  pipeline(latenessMs: number): Pipeline
}

const out = topic('out')

/** Written first, then refused by a later step: nothing of it may stay in the topic. */
function sinks<V>(folded: Folded<V>, check: (result: V) => unknown): Pipeline {
  return pipeline(
    'folds',
    folded.to(out),
    folded.map(check).forEach(() => {}),
  )
}

/** A stream of results, or a table of them. */
interface Folded<V> {
  map(fn: (result: V) => unknown): { forEach(fn: () => void): Pipeline }
  to(topic: typeof out): Pipeline
}

function input(time: (value: InputValue) => number): Stream<InputValue, string> {
  const spec = topic('in', {
    key: (value) => (value as InputValue).k,
    time: (value) => time(value as InputValue),
  })
  return from(spec as Topic<InputValue, string>)
}

function refused(v: number): number {
  if (v === 7) throw new Error('seven')
  return v
}

const aggregates = () => ({
  n: count(),
  // Not the first field: those before it must be undone too.
  total: sum((r: InputValue) => refused(r.v)),
  low: min((r: InputValue) => r.v),
  high: max((r: InputValue) => r.v),
  average: mean((r: InputValue) => r.v),
  head: first((r: InputValue) => r.v),
  tail: last((r: InputValue) => r.v),
  kinds: distinct((r: InputValue) => ((r.v % 3) + 3) % 3),
  all: collect((r: InputValue) => r.v),
})

const aggregateRules = {
  refuses: (v: number) => v === 7,
  fold: (values: readonly number[]) => {
    const total = values.reduce((a, b) => a + b, 0)
    return {
      n: values.length,
      total,
      low: values.toSorted((a, b) => a - b)[0],
      high: values.toSorted((a, b) => b - a)[0],
      average: total / values.length,
      head: values[0],
      tail: values.at(-1),
      kinds: new Set(values.map((v) => ((v % 3) + 3) % 3)).size,
      all: values,
    }
  },
  poisons: (values: readonly number[]) => values.includes(8) && values.length % 2 === 0,
}

/** Throws where the rules say `poisons`. */
function poisoned<R extends { n: number; all: readonly number[] }>(result: R): R {
  if (aggregateRules.poisons(result.all)) throw new Error('poison')
  return result
}

/** The text of all values, so that order shows; the first one is taken as it is. */
const joined = (values: readonly number[]): string =>
  values.map((v, i) => (i === 0 ? `(${v})` : ` ${v}`)).join('')
const reduceRules = {
  refuses: () => false,
  fold: (values: readonly number[]) => ({ value: joined(values) }),
  poisons: (values: readonly number[]) => values.at(-1) === 8,
}
const text = (stream: Stream<InputValue, string>): Stream<string, string> =>
  stream.map((r) => `(${r.v})`)
const join = (soFar: string, next: string): string => `${soFar} ${next.slice(1, -1)}`

function checkedText<R extends { value: string }>(result: R): R {
  if (/(?:^\(8\)| 8)$/.test(result.value)) throw new Error('poison')
  return result
}

const duration = (ms: number): `${number}ms` => `${ms}ms`

/** @param time event time of a record; another than its `t` is a fault put in on purpose */
export function windowAggregate(time: (value: InputValue) => number = (r) => r.t): TestedFold {
  return {
    rules: { step: 'fold', resultStep: 'fold.map', isWindowed: true, ...aggregateRules },
    pipeline: (latenessMs) =>
      sinks(
        input(time)
          .window(tumbling('10ms'), { lateness: duration(latenessMs) })
          .aggregate(aggregates())
          .named('fold'),
        poisoned,
      ),
  }
}

export const windowReduce: TestedFold = {
  rules: { step: 'fold', resultStep: 'fold.map', isWindowed: true, ...reduceRules },
  pipeline: (latenessMs) =>
    sinks(
      text(input((r) => r.t))
        .window(tumbling('10ms'), { lateness: duration(latenessMs) })
        .reduce(join)
        .named('fold'),
      checkedText,
    ),
}

export const runningAggregate: TestedFold = {
  rules: { step: 'fold', resultStep: 'fold.map', isWindowed: false, ...aggregateRules },
  pipeline: () =>
    sinks(
      input((r) => r.t)
        .aggregate(aggregates())
        .named('fold'),
      poisoned,
    ),
}

export const runningReduce: TestedFold = {
  rules: { step: 'fold', resultStep: 'fold.map', isWindowed: false, ...reduceRules },
  pipeline: () =>
    sinks(
      text(input((r) => r.t))
        .reduce(join)
        .named('fold'),
      checkedText,
    ),
}
