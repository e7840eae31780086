import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { arbitrary, arbitraryOf } from './arbitrary.ts'
import { fastCheck } from './fast-check.ts'
import { fits } from './fits.ts'
import type { JsonSchema } from './json-schema.ts'

const text = (value: unknown): value is string => typeof value === 'string'
const number = (value: unknown): value is number => typeof value === 'number'
const members = (value: unknown): Record<string, unknown> => value as Record<string, unknown>
const items = (value: unknown): unknown[] => value as unknown[]
const recursive: JsonSchema = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        kids: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
      required: ['name', 'kids'],
    },
  },
}
const expression: JsonSchema = {
  oneOf: [
    { type: 'number' },
    {
      type: 'object',
      properties: { left: { $ref: '#' }, right: { $ref: '#' } },
      required: ['left', 'right'],
      additionalProperties: false,
    },
  ],
}
const isNode = (value: unknown): boolean =>
  text(members(value)['name']) && items(members(value)['kids']).every(isNode)
const isExpression = (value: unknown): boolean =>
  number(value) || (isExpression(members(value)['left']) && isExpression(members(value)['right']))

/** Schema → what holds for each value, said in another way than by the schema. */
const cases: readonly (readonly [string, JsonSchema, (value: unknown) => boolean])[] = [
  ['null', { type: 'null' }, (one) => one === null],
  [
    'two types',
    { type: ['boolean', 'integer'] },
    (one) => typeof one === 'boolean' || Number.isInteger(one),
  ],
  ['nullable', { type: 'string', nullable: true }, (one) => one === null || text(one)],
  ['enum', { enum: ['a', 1, null] }, (one) => ['a', 1, null].includes(one as string)],
  ['enum, bounded', { enum: [1, 5, 9], minimum: 4 }, (one) => one === 5 || one === 9],
  ['const', { const: { a: [1] } }, (one) => JSON.stringify(one) === '{"a":[1]}'],
  ['lengths', { type: 'string', minLength: 2, maxLength: 3 }, (one) => /^.{2,3}$/su.test(`${one}`)],
  [
    'pattern',
    { type: 'string', pattern: '^[A-Z]{2}-\\d+$' },
    (one) => /^[A-Z]{2}-\d+$/.test(`${one}`),
  ],
  [
    'part',
    { pattern: 'ab', maxLength: 4 },
    (one) => text(one) && one.includes('ab') && one.length < 5,
  ],
  [
    'bounds',
    { type: 'number', minimum: 1, exclusiveMaximum: 2 },
    (n) => number(n) && n >= 1 && n < 2,
  ],
  [
    'draft 4',
    { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 2 },
    (n) => n === 1 || n === 2,
  ],
  [
    'whole',
    { type: 'integer', minimum: 2 ** 40 },
    (n) => Number.isInteger(n) && Number(n) >= 2 ** 40,
  ],
  ['multiple', { type: 'number', multipleOf: 0.05 }, (n) => Math.round(Number(n) * 20) / 20 === n],
  [
    'sevens',
    { type: 'integer', multipleOf: 7, minimum: 1 },
    (n) => number(n) && n % 7 === 0 && n > 0,
  ],
  [
    'date-time',
    { type: 'string', format: 'date-time' },
    (one) => !Number.isNaN(Date.parse(`${one}`)),
  ],
  ['date', { format: 'date' }, (one) => /^\d{4}-\d\d-\d\d$/.test(`${one}`)],
  ['uuid', { format: 'uuid' }, (one) => /^[\da-f-]{36}$/.test(`${one}`)],
  ['email', { format: 'email' }, (one) => /^\S+@\S+\.\S+$/.test(`${one}`)],
  ['uri', { format: 'uri' }, (one) => URL.canParse(`${one}`)],
  ['ipv4', { format: 'ipv4' }, (one) => /^(\d{1,3}\.){3}\d{1,3}$/.test(`${one}`)],
  ['ipv6', { format: 'ipv6' }, (one) => `${one}`.includes(':')],
  [
    'items',
    { items: { type: 'integer' }, minItems: 2, maxItems: 4 },
    (one) => items(one).length > 1 && items(one).length < 5 && items(one).every(Number.isInteger),
  ],
  [
    'unique',
    { type: 'array', items: { enum: [1, 2, 3] }, minItems: 3, uniqueItems: true },
    (one) => new Set(items(one)).size === 3,
  ],
  [
    'tuple',
    {
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'number' }],
      items: false,
      minItems: 2,
    },
    (one) => text(items(one)[0]) && number(items(one)[1]) && items(one).length === 2,
  ],
  [
    'older tuple',
    { type: 'array', items: [{ type: 'string' }], additionalItems: { type: 'null' }, minItems: 3 },
    (one) =>
      text(items(one)[0]) &&
      items(one)
        .slice(1)
        .every((each) => each === null),
  ],
  [
    'required',
    {
      properties: { a: { type: 'string' }, b: { type: 'null' } },
      required: ['a', 'c'],
      additionalProperties: { type: 'number' },
    },
    (one) =>
      text(members(one)['a']) && number(members(one)['c']) && (members(one)['b'] ?? null) === null,
  ],
  [
    'map',
    {
      type: 'object',
      additionalProperties: { type: 'boolean' },
      propertyNames: { pattern: '^[a-c]+$' },
      minProperties: 1,
    },
    (one) =>
      Object.entries(members(one)).length > 0 &&
      Object.entries(members(one)).every(
        ([name, each]) => /^[a-c]+$/.test(name) && typeof each === 'boolean',
      ),
  ],
  [
    'names by pattern',
    {
      type: 'object',
      patternProperties: { '^n_': { type: 'number' } },
      additionalProperties: false,
    },
    (one) =>
      Object.entries(members(one)).every(([name, each]) => name.startsWith('n_') && number(each)),
  ],
  [
    'anyOf',
    { minimum: 3, anyOf: [{ type: 'integer' }, { type: 'null' }] },
    (one) => one === null || (Number.isInteger(one) && Number(one) >= 3),
  ],
  [
    'oneOf',
    { oneOf: [{ type: 'integer' }, { type: 'number', minimum: 0 }] },
    (n) => Number.isInteger(n) !== Number(n) >= 0,
  ],
  [
    'allOf',
    {
      allOf: [
        { properties: { a: { type: 'number' } }, required: ['a'] },
        {
          type: 'object',
          properties: { a: { minimum: 1 }, b: { type: 'string' } },
          required: ['b'],
        },
      ],
    },
    (one) => Number(members(one)['a']) >= 1 && text(members(one)['b']),
  ],
  [
    'not',
    { type: 'integer', minimum: 0, maximum: 3, not: { const: 2 } },
    (n) => [0, 1, 3].includes(n as number),
  ],
  [
    'two patterns',
    { allOf: [{ pattern: '^a' }, { pattern: '^[ab]{1,3}$' }], type: 'string' },
    (one) => /^a[ab]{0,2}$/.test(`${one}`),
  ],
  [
    'two anyOf at once',
    {
      allOf: [
        { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        { anyOf: [{ type: 'integer', minimum: 3 }, { type: 'null' }] },
      ],
      not: { const: 4 },
    },
    (n) => Number.isInteger(n) && Number(n) >= 3 && n !== 4,
  ],
  ['recursive', recursive, isNode],
  ['recursive, in two places', expression, isExpression],
  [
    'references beside others',
    { $ref: '#/definitions/a', maximum: 4, definitions: { a: { type: 'integer', minimum: 2 } } },
    (n) => [2, 3, 4].includes(n as number),
  ],
]

test.each(cases)('%s: values fit, of both tastes', (_title, schema, holds) => {
  for (const taste of ['wide', 'everyday'] as const) {
    const made = arbitraryOf(schema, taste)
    fc.assert(
      fc.property(made, (value) => {
        expect(holds(value), JSON.stringify(value)).toBe(true)
        expect(fits(schema, schema, value), JSON.stringify(value)).toBe(true)
        // As JSON, too: no -0, nothing undefined, no strange prototypes.
        expect(JSON.parse(JSON.stringify(value))).toEqual(value)
      }),
      { numRuns: 60, seed: 7 },
    )
  }
})

test('a wrong value is noticed: each schema refuses what the others make', () => {
  const made = cases.map(([, schema]) => fc.sample(arbitrary(schema), { numRuns: 20, seed: 3 }))
  for (const [i, [title, schema]] of cases.entries()) {
    const strangers = made.flatMap((values, j) => (i === j ? [] : values))
    expect(
      strangers.some((value) => !fits(schema, schema, value)),
      title,
    ).toBe(true)
  }
})

test('a failing value shrinks, and stays one of the schema', () => {
  const made = arbitrary({
    type: 'object',
    properties: { n: { type: 'integer', minimum: 3 }, s: { type: 'string', minLength: 1 } },
    required: ['n', 's'],
  })
  const run = fc.check(
    fc.property(made, (value) => Number(members(value)['n']) < 1000),
    { seed: 5 },
  )
  expect(run.failed).toBe(true)
  expect(members(run.counterexample?.[0])['n']).toBe(1000)
  expect(members(run.counterexample?.[0])['s']).toHaveLength(1)
})

test('the schemas of zod and arktype', () => {
  const reading = z.object({
    device: z.string().min(1),
    celsius: z.number().min(-50).max(150),
    at: z.coerce.date().min(new Date('2026-01-01')),
    total: z.bigint().optional(),
    kind: z.discriminatedUnion('is', [
      z.object({ is: z.literal('a'), n: z.int() }),
      z.object({ is: z.literal('b'), mail: z.email() }),
    ]),
    tags: z.record(z.string(), z.iso.datetime()),
    parsed: z.string().transform((one) => one.length),
  })
  const checked = arbitrary(reading)
  fc.assert(fc.property(checked, (value) => reading.safeParse(value).success))
  const order = type({
    id: 'string.uuid',
    cents: 'number.integer > 0',
    at: 'Date',
    'note?': 'string',
  })
  fc.assert(fc.property(arbitrary(order), (value) => !(order(value) instanceof type.errors)))
  // What comes before the transform.
  const [sample] = fc.sample(checked, { numRuns: 1, seed: 1 })
  const parsed: string = sample?.parsed ?? ''
  expect(typeof parsed).toBe('string')
})

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ['an unknown keyword', { properties: { a: { if: {} } } }, /from 'if' at #\/properties\/a$/],
  ['a wrong bound', { items: { minimum: '3' } }, /'minimum' cannot be "3" at #\/items/],
  ['an unknown format', { type: 'string', format: 'colour' }, /format 'colour' at #/],
  ['a reference to nowhere', { $ref: '#/$defs/a' }, /names #\/\$defs\/a, which is not in/],
  ['a reference to elsewhere', { $ref: 'other.json' }, /names other\.json/],
  ['bounds that exclude each other', { type: 'integer', minimum: 2, maximum: 1 }, /no value fits/],
  [
    'nothing but itself',
    { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
    /no value fits/,
  ],
  ['a pattern out of reach', { type: 'string', pattern: '(a' }, /the pattern \(a at #/],
  ['no schema', 7, /no Standard Schema, and no JSON Schema/],
  ['valibot without a converter', v.object({ a: v.string() }), /does not describe itself/],
  [
    'what JSON has not',
    z.object({ a: z.map(z.string(), z.string()) }),
    /from map\(\) at #\/properties\/a/,
  ],
]
test.each(refused)('%s is refused', (_title, schema, message) => {
  expect(() => arbitrary(schema as JsonSchema)).toThrow(
    expect.objectContaining({
      code: 'invalid-schema',
      message: expect.stringMatching(message),
    }) as Error,
  )
})

test('what no value can be, though each part could, ends with an error', () => {
  const twoOfOne = { type: 'array', items: { const: 1 }, minItems: 2, uniqueItems: true } as const
  const inside = { type: 'array', items: twoOfOne, minItems: 3 } as const
  for (const schema of [
    twoOfOne,
    inside,
    { anyOf: [{ type: 'array', items: inside, minItems: 1 }] },
  ]) {
    expect(() => fc.sample(arbitrary(schema), 1)).toThrow(/none of \d+ values made for .* fits/)
  }
  expect(() => arbitrary({ type: 'string', minLength: 3, maxLength: 2 })).toThrow(/no value fits/)
})

test('where no value passes it says so, and what the schema says', () => {
  const never = arbitrary(z.object({ a: z.string().refine(() => false, 'never right') }))
  expect(() => fc.sample(never, 1)).toThrow(
    /none of 500 values made for the schema fits: a: never right/,
  )
})

test('without fast-check it says what to install', () => {
  const missing = Object.assign(new Error("Cannot find module 'fast-check'"), {
    code: 'MODULE_NOT_FOUND',
  })
  const load = (): never => {
    throw missing
  }
  expect(() => fastCheck(load)).toThrow(
    expect.objectContaining({
      code: 'missing-dependency',
      hint: 'npm install --save-dev fast-check',
    }) as Error,
  )
})
