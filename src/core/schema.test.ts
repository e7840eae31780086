import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { MillraceError } from './error.ts'
import { type InferInput, type InferOutput, type StandardSchema, validator } from './schema.ts'

const place = { topic: 'readings' }
const schemas = {
  zod: z.object({
    device: z.string(),
    celsius: z.number(),
    more: z.object({ n: z.number() }).optional(),
  }),
  valibot: v.object({
    device: v.string(),
    celsius: v.number(),
    more: v.optional(v.object({ n: v.number() })),
  }),
  arktype: type({ device: 'string', celsius: 'number', 'more?': { n: 'number' } }),
}

function errorOf(run: () => unknown): MillraceError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

describe.each(Object.entries(schemas))('%s', (name, schema: StandardSchema<unknown, unknown>) => {
  test('a value that fits passes', () => {
    const value = { device: 'a', celsius: 1 }
    expect(validator(schema, place)(value)).toStrictEqual(value)
  })

  test('a value that does not is refused with field and reason', () => {
    const error = errorOf(() => validator(schema, place)({ device: 'a', celsius: 'hot' }))
    expect(error.code).toBe('validation-failed')
    expect(error.message).toMatch(/^celsius\b.*number.*(string|hot).*\(readings\)$/i)
    expect(error.message.match(/celsius/g)).toHaveLength(1)
    expect(error.at).toStrictEqual(place)
  })

  test('paths are joined by dots, several issues shown', () => {
    const error = errorOf(() => validator(schema, place)({ celsius: 1, more: { n: 'x' } }))
    expect(error.message).toContain('device')
    expect(error.message).toContain('more.n')
    expect(error.message).toContain('; ')
  })

  test('what is no object at all is refused', () => {
    expect(errorOf(() => validator(schema, place)(null)).code).toBe('validation-failed')
  })

  test(`is named ${name} by itself`, () => {
    expect(schema['~standard'].vendor).toBe(name)
  })
})

test('the output is what the schema makes of the value', () => {
  expect(validator(z.object({ at: z.coerce.date() }), place)({ at: 0 })).toStrictEqual({
    at: new Date(0),
  })
  const trimmed = v.pipe(v.string(), v.trim())
  expect(validator(trimmed, place)(' a ')).toBe('a')
  expect(validator(type('string.numeric.parse'), place)('12')).toBe(12)
})

test('zod says it in the expected words', () => {
  const error = errorOf(() => validator(z.object({ celsius: z.number() }), {})({ celsius: 'hot' }))
  expect(error.message).toBe('celsius: invalid input: expected number, received string')
})

test('at most three issues are shown', () => {
  const schema = z.object({
    a: z.string(),
    b: z.string(),
    c: z.string(),
    d: z.string(),
    e: z.string(),
  })
  const { message } = errorOf(() => validator(schema, place)({}))
  expect(message).toContain('c: ')
  expect(message).not.toContain('d: ')
  expect(message).toContain('; and 2 more')
})

test('a long message is cut to one line', () => {
  const schema = z.string().refine(() => false, `no\n${'x'.repeat(5000)}`)
  const { message } = errorOf(() => validator(schema, place)('a'))
  expect(message.length).toBeLessThan(250)
  expect(message).not.toContain('\n')
})

test('an asynchronous schema is refused', () => {
  const schema = z.string().refine(async () => false)
  const error = errorOf(() => validator(schema, place)('a'))
  expect(error.code).toBe('invalid-schema')
  expect(error.hint).toContain('asynchronous')
})

test('a schema that throws refuses the value', () => {
  const schema: StandardSchema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => {
        throw new RangeError('boom')
      },
    },
  }
  const error = errorOf(() => validator(schema, place)('a'))
  expect(error.code).toBe('validation-failed')
  expect(error.message).toContain('boom')
})

test.each([[null], [undefined], [{}], ['x'], [{ '~standard': { version: 2 } }]])(
  '%j is no schema',
  (given) => {
    const error = errorOf(() => validator(given as unknown as StandardSchema, place))
    expect(error.code).toBe('invalid-schema')
  },
)

test('types: compatible with the specification, inferred from each library', () => {
  expectTypeOf<StandardSchemaV1<string, number>>().toExtend<StandardSchema<string, number>>()
  expectTypeOf<StandardSchema<string, number>>().toExtend<StandardSchemaV1<string, number>>()
  expectTypeOf<StandardSchema<string, number>>().toExtend<StandardSchema<unknown, unknown>>()
  const coerced = z.object({ at: z.coerce.date() })
  expectTypeOf<InferOutput<typeof coerced>>().toEqualTypeOf<{ at: Date }>()
  type Reading = { device: string; celsius: number; more?: { n: number } | undefined }
  expectTypeOf<InferOutput<typeof schemas.zod>>().toEqualTypeOf<Reading>()
  expectTypeOf<InferInput<typeof schemas.zod>>().toEqualTypeOf<Reading>()
  expectTypeOf<InferOutput<typeof schemas.valibot>>().toExtend<Reading>()
  expectTypeOf<InferOutput<typeof schemas.arktype>>().toExtend<Reading>()
  expectTypeOf(validator(coerced, place)).returns.toEqualTypeOf<{ at: Date }>()
  // @ts-expect-error a plain object is no schema
  expect(() => validator({}, place)).toThrow('not a Standard Schema')
})
