/** Random cases of windows: every kind, every emission, over the runs of `fold-case.ts`. */
import fc from 'fast-check'
import type { Duration } from '../../core/duration.ts'
import type { AggregatorOf } from '../../pipeline/aggregator.ts'
import { count } from '../../pipeline/aggregators/count.ts'
import { distinct } from '../../pipeline/aggregators/distinct.ts'
import { max, min } from '../../pipeline/aggregators/extreme.ts'
import { collect } from '../../pipeline/aggregators/collect.ts'
import { sum } from '../../pipeline/aggregators/sum.ts'
import { countWindow, globalWindow, onCount, onInterval } from '../../pipeline/count-window.ts'
import { from } from '../../pipeline/from.ts'
import type { Pipeline } from '../../pipeline/node.ts'
import { pipeline } from '../../pipeline/pipeline.ts'
import type { Stream, WindowOptions, WindowedStream } from '../../pipeline/stream.ts'
import { topic } from '../../pipeline/topic.ts'
import type { Topic } from '../../pipeline/topic.ts'
import { canBeLateFor } from '../../pipeline/window-check.ts'
import type { EmissionSpec, WindowSpec } from '../../pipeline/window-spec.ts'
import { cumulative, session, sliding, trailing, tumbling } from '../../pipeline/window.ts'
import { caseArbitrary } from './fold-case.ts'
import type { FoldCase } from './fold-case.ts'
import { checkStep, foldStep, poisons, refuses } from './window-model.ts'
import type { TestedWindow } from './window-model.ts'

export interface WindowCase {
  readonly runs: FoldCase
  readonly tested: TestedWindow
}

const ms = (n: number): Duration => `${n}ms`

type Time = 'event' | 'processing'

/** Windows by name, in units of so many ms. */
export const testedWindows: Readonly<Record<string, (u: number, time: Time) => WindowSpec>> = {
  tumbling: (u, time) => tumbling(ms(10 * u), { offset: ms(3 * u), time }),
  sliding: (u, time) => sliding(ms(10 * u), { every: ms(5 * u), time }),
  'sliding, with a rest': (u, time) =>
    sliding(ms(11 * u), { every: ms(4 * u), offset: ms(u), time }),
  cumulative: (u, time) => cumulative(ms(5 * u), { within: ms(20 * u), offset: ms(2 * u), time }),
  session: (u, time) => session(ms(5 * u), { time }),
  trailing: (u, time) => trailing(ms(7 * u), { time }),
  count: () => countWindow(3),
  'count, overlapping': () => countWindow(6, { every: 4 }),
  'global by count': () => globalWindow(onCount(3)),
  'global by count, emptied': () => globalWindow(onCount(2, { purge: true })),
  'global by interval': (u, time) => globalWindow(onInterval(ms(10 * u), { time })),
  'global by interval, emptied': (u, time) =>
    globalWindow(onInterval(ms(10 * u), { time, purge: true })),
}

/** Buckets of trailing windows are seconds: times are also stretched over several. */
const stretches = [1, 150]

export function windowCases(make: (u: number, time: Time) => WindowSpec): fc.Arbitrary<WindowCase> {
  return fc
    .record({
      base: caseArbitrary,
      stretch: fc.constantFrom(...stretches),
      time: fc.constantFrom('event' as const, 'event' as const, 'processing' as const),
      emission: fc.constantFrom('final' as const, 'updates' as const, 'early' as const),
      fold: fc.constantFrom('all' as const, 'count' as const, 'reduce' as const),
    })
    .map(({ base, stretch, time, emission, fold }) => {
      const window = make(stretch, time)
      const latenessMs = canBeLateFor(window) ? base.latenessMs * stretch : 0
      return {
        runs: stretched({ ...base, latenessMs }, stretch),
        tested: { window, latenessMs, fold, emission: emissionOf(window, emission, stretch) },
      }
    })
}

function emissionOf(window: WindowSpec, kind: EmissionSpec['kind'], stretch: number): EmissionSpec {
  if (window.kind === 'global' || kind === 'final') return { kind: 'final' }
  return kind === 'early' ? { kind, everyMs: 20 * stretch } : { kind }
}

function stretched(one: FoldCase, by: number): FoldCase {
  return {
    ...one,
    outOfOrderMs: one.outOfOrderMs * by,
    rounds: one.rounds.map((round) => ({
      ...round,
      tickMs: round.tickMs * by,
      records: round.records.map((record) => ({ ...record, t: record.t * by })),
    })),
  }
}

interface InputValue {
  readonly k: string | null
  readonly v: number
  readonly t: number
}

export function pipelineOf({ window, emission, latenessMs, fold }: TestedWindow): Pipeline {
  const spec = topic('in', {
    key: (value) => (value as InputValue).k,
    time: (value) => (value as InputValue).t,
  })
  const values = from(spec as Topic<InputValue, string>)
  const options: WindowOptions = {
    lateness: ms(latenessMs),
    emit: emission.kind === 'early' ? { early: ms(emission.everyMs) } : emission.kind,
  }
  if (fold === 'reduce') {
    const numbers = values.map((value) => value.v).window(window, options)
    return sinks(numbers.reduce((a, b) => a + b).named(foldStep))
  }
  const windowed = values.window(window, options)
  if (fold === 'count') return sinks(windowed.aggregate({ n: count() }).named(foldStep))
  return aggregated(windowed)
}

/** The accumulator that grows is there, but its order is another's business. */
function aggregated(windowed: WindowedStream<InputValue, string>): Pipeline {
  const all: AggregatorOf<InputValue, number[]> = collect((value) => value.v)
  const sorted: AggregatorOf<InputValue, boolean> = {
    ...(all as unknown as AggregatorOf<InputValue, boolean>),
    result: (kept) => poisons(all.result(kept)),
  }
  return sinks(
    windowed
      .aggregate({
        n: count(),
        total: sum((value) => refused(value.v)),
        low: min((value) => value.v),
        high: max((value) => value.v),
        kinds: distinct((value) => ((value.v % 3) + 3) % 3),
        poison: sorted,
      })
      .named(foldStep),
    (result) => {
      if (result.poison) throw new Error('poison')
    },
  )
}

function refused(v: number): number {
  if (refuses(v)) throw new Error('refused')
  return v
}

/** Written first, then refused by a later step: nothing of it may stay in the topic. */
function sinks<V>(folded: Stream<V, string>, check: (result: V) => void = () => {}): Pipeline {
  return pipeline(
    'windows',
    folded.to(topic('out')),
    folded
      .map(check)
      .named(checkStep)
      .forEach(() => {}),
  )
}
