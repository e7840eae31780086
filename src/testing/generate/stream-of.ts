/** `streamOf`: whole inputs of a topic as an arbitrary. */
import { type Duration, durationMs } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import type { Topic } from '../../pipeline/topic.ts'
import type { SimulatedRecord } from '../simulate/simulation-input.ts'
import { arbitraryOf } from './arbitrary.ts'
import { type Arbitrary, fastCheck } from './fast-check.ts'
import { everydayWords } from './leaves.ts'
import { recordsAt } from './records-at.ts'

export interface StreamOfOptions {
  /**
   * Values as they are written. Default: of the topic's schema, mostly few and small ones, so that
   * records share keys.
   */
  readonly values?: Arbitrary<unknown>
  /** Records at least. Default 0. */
  readonly minLength?: number
  /** Records at most. Default 50. */
  readonly maxLength?: number
  /** Mean time between records. Default '1s'. */
  readonly every?: Duration
  /** Event time at which it begins. Default 2024-01-01 UTC. */
  readonly start?: Date
}

const startDefault = new Date(Date.UTC(2024, 0, 1))

/**
 * Inputs of a topic for `simulate`, with rising event times: put into the values where the topic
 * reads its time from them, and in each record's `time`. A failing one shrinks to fewer records.
 * Needs fast-check.
 * @throws `invalid-argument` where the topic has no schema and `values` is not given · what
 * `arbitrary` throws
 * @example
 * const inputs = streamOf(words, { values: arbitrary({ enum: ['a', 'b'] }), maxLength: 20 })
 * typeof inputs.generate // => 'function'
 */
export function streamOf<V, K>(
  topic: Topic<V, K>,
  options: StreamOfOptions = {},
): Arbitrary<SimulatedRecord[]> {
  const { spec } = topic
  const { start = startDefault, minLength = 0, maxLength = 50 } = options
  if (options.values === undefined && spec.schema === null) {
    throw new MillraceError('invalid-argument', `topic '${spec.name}' has no schema`, {
      hint: 'give the option values: an arbitrary',
    })
  }
  const fc = fastCheck()
  const values = options.values ?? arbitraryOf(spec.schema, 'everyday')
  const stepMs = fc.nat({ max: 2 * durationMs(options.every ?? '1s', 'every') })
  const key = fc.constantFrom(...everydayWords)
  const plans = fc.array(fc.record({ value: values, stepMs, key }), { minLength, maxLength })
  return plans.map((all) => {
    let timeMs = start.getTime()
    return recordsAt(
      spec,
      all.map((one) => {
        timeMs += one.stepMs
        return { value: one.value, key: one.key, timeMs }
      }),
    )
  })
}
