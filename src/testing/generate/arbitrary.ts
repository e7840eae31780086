/** `arbitrary`: values for tests by properties, from a schema. */
import type { InferInput, StandardSchema } from '../../core/schema.ts'
import { buildArbitrary } from './build.ts'
import { describeSchema } from './describe-schema.ts'
import { type Arbitrary, fastCheck } from './fast-check.ts'
import type { JsonSchema } from './json-schema.ts'
import type { Taste } from './leaves.ts'
import { limited, MissBudget } from './limited.ts'

/** What values of a schema are before it has read them; unknown for a JSON Schema. */
export type ArbitraryValue<S> = S extends StandardSchema<unknown, unknown> ? InferInput<S> : unknown

/**
 * Values that fit a schema, as an arbitrary of fast-check (`npm install --save-dev fast-check`).
 * They are what the schema takes: of one that coerces or transforms, what comes before.
 *
 * Supported are types, lists of them and `nullable`; properties, also by pattern and of other
 * names; items; lengths, bounds and multiples; patterns; the usual formats; enum and const; anyOf,
 * oneOf, allOf, not; references, also recursive ones. Dates and bigints are made where zod and
 * arktype ask for them. Each value is checked by the schema itself before it is given.
 * @param schema a Standard Schema that describes itself as JSON Schema (zod, arktype), or a JSON
 * Schema as data
 * @throws `invalid-schema` for what is not supported, with its place in the schema, and where no
 * value fits: here, or when a value is made · `missing-dependency`
 * @example
 * const sales = arbitrary({
 *   type: 'object',
 *   properties: { shop: { enum: ['a', 'b'] }, euros: { type: 'integer', minimum: 1 } },
 *   required: ['shop', 'euros'],
 * })
 * typeof sales.map((sale) => JSON.stringify(sale)) // => 'object'
 */
export function arbitrary<S extends StandardSchema<unknown, unknown> | JsonSchema>(
  schema: S,
): Arbitrary<ArbitraryValue<S>> {
  return arbitraryOf(schema, 'wide') as Arbitrary<ArbitraryValue<S>>
}

/** @param taste which values come often */
export function arbitraryOf(schema: unknown, taste: Taste): Arbitrary<unknown> {
  const fc = fastCheck()
  const { schema: described, refuses } = describeSchema(schema)
  const budget = new MissBudget()
  const from = buildArbitrary({ fc, schema: described, taste, budget })
  return limited({ fc, from, refuses, at: 'the schema', budget, scope: 'whole' })
}
