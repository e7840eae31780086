import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ValueReader, ValueWriter } from './value-codec.ts'
import { shapesMax, tag } from './value-format.ts'

/** Objects of few kinds, nested, some of which only node:v8 can write. */
const names = fc.constantFrom(
  'a',
  'b',
  'c',
  'ä',
  '__proto__',
  'a name of more than sixty-three bytes'.padEnd(70),
)
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.constant(new Date(5)),
    fc.constant(/v8/),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map((fields) => {
      const object = Object.fromEntries(fields.filter(([name]) => name !== '__proto__'))
      for (const [name, value] of fields) {
        if (name !== '__proto__') continue
        Object.defineProperty(object, name, {
          value,
          writable: true,
          enumerable: true,
          configurable: true,
        })
      }
      return object
    }),
  ),
}))

test('many values in one block come back, also where some were taken back', () => {
  const step = fc.record({ value: anyValue, isTakenBack: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const writer = new ValueWriter()
      const kept: unknown[] = []
      for (const { value, isTakenBack } of steps) {
        const { length } = writer
        writer.writeValue(value)
        if (isTakenBack) writer.truncate(length)
        else kept.push(value)
      }
      const reader = new ValueReader(writer.bytes())
      for (const value of kept) expect(reader.readValue()).toStrictEqual(value)
      expect(reader.done).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('a value that cannot be written leaves no shape behind', () => {
  const writer = new ValueWriter()
  expect(() => writer.writeValue({ a: 1, b: () => 1 })).toThrow('function')
  writer.writeValue({ a: 1, b: 2 })
  writer.writeValue({ a: 3, b: 4 })
  const reader = new ValueReader(writer.bytes())
  expect([reader.readValue(), reader.readValue()]).toStrictEqual([
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ])
})

test('more kinds than there is room for', () => {
  const values = Array.from({ length: 2 * shapesMax }, (_, i) => ({ [`n${i}`]: i, same: true }))
  const writer = new ValueWriter()
  for (const value of [...values, ...values]) writer.writeValue(value)
  const reader = new ValueReader(writer.bytes())
  for (const value of [...values, ...values]) expect(reader.readValue()).toStrictEqual(value)
})

test('names are those of their block: reset forgets them', () => {
  const writer = new ValueWriter()
  writer.writeValue({ a: 1 })
  const first = writer.bytes()
  writer.reset()
  writer.writeValue({ a: 1 })
  expect(writer.bytes()).toStrictEqual(first)
  const reader = new ValueReader(first)
  reader.readValue()
  reader.reset(Uint8Array.of(tag.shape, 0, 0x81))
  expect(() => reader.readValue()).toThrow('a shape is unknown')
})

test('objects as they were written before, each with its names', () => {
  const text = (name: string): number[] => [0x40 + name.length, ...Buffer.from(name)]
  const bytes = [tag.object, 2, ...text('a'), 0x81, ...text('bc'), tag.object, 0]
  expect(new ValueReader(Uint8Array.from(bytes)).readValue()).toStrictEqual({ a: 1, bc: {} })
})
