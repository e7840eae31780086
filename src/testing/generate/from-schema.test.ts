import assert from 'node:assert/strict'
import { test } from 'vitest'
import { z } from 'zod'
import { seededRandom } from '../../core/random.ts'
import { fromSchema } from './from-schema.ts'

test('values fit the schema, and are the same from the same seed', () => {
  const schema = z.object({ device: z.string(), celsius: z.number().min(-40).max(60) })
  const value = fromSchema(schema)
  const made = (seed: number): unknown[] =>
    Array.from({ length: 50 }, (_, i) => value(i, seededRandom(seed + i)))
  for (const one of made(1)) schema.parse(one)
  assert.deepEqual(made(1), made(1))
  assert.notDeepEqual(made(1), made(1_000))
  assert.ok(new Set(made(1).map((one) => JSON.stringify(one))).size > 10)
})
