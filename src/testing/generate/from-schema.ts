/** `fromSchema`: values for a generator, from a schema. */
import type { Random } from '../../core/random.ts'
import type { StandardSchema } from '../../core/schema.ts'
import { type ArbitraryValue, arbitraryOf } from './arbitrary.ts'
import { fastCheck } from './fast-check.ts'
import type { JsonSchema } from './json-schema.ts'

/**
 * A function for the option `value` of `generator`: everyday values that fit a schema, small and
 * often the same ones, so that records share keys. Some ten thousand a second; the same ones from
 * the same seed with the same version of fast-check. Needs fast-check.
 * @throws what `arbitrary` throws
 * @example
 * const source = generator({
 *   name: 'sales',
 *   rate: 50,
 *   value: fromSchema({ type: 'object', properties: { euros: { type: 'integer', minimum: 1 } } }),
 * })
 * source.replayable // => true
 */
export function fromSchema<S extends StandardSchema<unknown, unknown> | JsonSchema>(
  schema: S,
): (i: number, random: Random) => ArbitraryValue<S> {
  const values = arbitraryOf(schema, 'everyday')
  const fc = fastCheck()
  return (_, random) => {
    const [value] = fc.sample(values, { numRuns: 1, seed: random.int(2 ** 31) })
    return value as ArbitraryValue<S>
  }
}
