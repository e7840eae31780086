/** Arbitraries of single values: strings, numbers, dates. */
import type { Arbitrary, FastCheck } from './fast-check.ts'
import { boundsOf, multiple, patternOf } from './fits.ts'
import { formats, type Years } from './formats.ts'
import { type JsonSchemaObject, schemaFault } from './json-schema.ts'

/**
 * `wide`: all that the schema allows, with its edges. `everyday`: mostly few, small values, so that
 * records share keys and meet in joins and windows.
 */
export type Taste = 'wide' | 'everyday'

export interface Leaf {
  readonly fc: FastCheck
  readonly schema: JsonSchemaObject
  readonly at: string
  readonly taste: Taste
}

/** Times where the schema says nothing, ms. */
const years: Readonly<Record<Taste, Years>> = {
  wide: { first: Date.UTC(1970, 0, 1), last: Date.UTC(2100, 0, 1) },
  everyday: { first: Date.UTC(2024, 0, 1), last: Date.UTC(2025, 0, 1) },
}

/** Code units that fast-check's strings have at most where the schema says nothing. */
const textLengthMax = 12

/** Null: no text fits. */
export function stringsOf(leaf: Leaf): Arbitrary<string> | null {
  const { fc, schema, at } = leaf
  const { format, pattern, minLength = 0, maxLength } = schema
  if (maxLength !== undefined && maxLength < minLength) return null
  const known = format === undefined ? undefined : formats[format]
  if (known !== undefined) return known.make(fc, years[leaf.taste])
  if (pattern !== undefined) return matching(leaf, pattern)
  if (format !== undefined) {
    const hint = `write a pattern beside it; known formats are ${Object.keys(formats).join(', ')}`
    throw schemaFault(`values cannot be made for the format '${format}' at ${at}`, hint)
  }
  const most = maxLength ?? minLength + textLengthMax
  const plain = fc.string({ minLength, maxLength: most })
  if (leaf.taste === 'wide' && maxLength === undefined) {
    const signs = fc.string({ minLength, maxLength: most, unit: 'grapheme' })
    return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: signs })
  }
  if (leaf.taste === 'wide') return plain
  return fc.stringMatching(new RegExp(`^[a-z]{${minLength},${most}}$`))
}

function matching({ fc, schema, at }: Leaf, pattern: string): Arbitrary<string> {
  const { maxLength } = schema
  try {
    return fc.stringMatching(
      patternOf(pattern),
      maxLength === undefined ? {} : { maxLength: Math.max(1, maxLength) },
    )
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : String(thrown)
    const text = `values cannot be made for the pattern ${pattern} at ${at}: ${why}`
    throw schemaFault(text, 'write a simpler pattern, or give an arbitrary of your own')
  }
}

/** Words that are tried before others. */
export const everydayWords: readonly string[] = ['a', 'b', 'c', 'd', 'e']
/** Numbers that are tried before others. */
export const everydayNumbers: readonly number[] = [0, 1, 2, 3, 5, 7, 10, 20, 50, 100]
/** Everyday numbers lie between the negative of it and it, where the schema allows. */
const everydayMax = 1_000

/** Of multiples of a fraction. */
const fractionCountMax = 1e9

/** Null: no number fits. */
export function numbersOf(leaf: Leaf, isWhole: boolean): Arbitrary<number> | null {
  const { fc, schema } = leaf
  const { multipleOf } = schema
  if (multipleOf !== undefined) {
    const counts = wholes(leaf, multipleOf)
    return counts === null ? null : counts.map((count) => multiple(count, multipleOf))
  }
  if (isWhole) return wholes(leaf, 1)
  if (leaf.taste === 'everyday') {
    const cents = wholes(leaf, 0.01)
    if (cents !== null) return cents.map((count) => multiple(count, 0.01))
  }
  const { least, most, isLeastOpen, isMostOpen } = boundsOf(schema)
  if (least > most || (least === most && (isLeastOpen || isMostOpen))) return null
  const doubles = fc.double({
    noNaN: true,
    noDefaultInfinity: true,
    ...(least === Number.NEGATIVE_INFINITY ? {} : { min: least, minExcluded: isLeastOpen }),
    ...(most === Number.POSITIVE_INFINITY ? {} : { max: most, maxExcluded: isMostOpen }),
  })
  return doubles.map((value) => (value === 0 ? 0 : value)) // JSON has no -0
}

/** Whole numbers `n` for which `n * step` lies within the bounds. */
function wholes({ fc, schema, taste }: Leaf, step: number): Arbitrary<number> | null {
  const bounds = boundsOf(schema)
  const safe = Number.MAX_SAFE_INTEGER
  // Of a fraction, larger multiples cannot be told from their neighbours.
  const most = Number.isInteger(step) ? safe / step : fractionCountMax
  let min = Math.max(Math.ceil(-most), Math.ceil(bounds.least / step))
  let max = Math.min(Math.floor(most), Math.floor(bounds.most / step))
  if (bounds.isLeastOpen && multiple(min, step) <= bounds.least) min += 1
  if (bounds.isMostOpen && multiple(max, step) >= bounds.most) max -= 1
  if (taste === 'everyday') {
    const usual = Math.floor(everydayMax / step)
    // Where the schema's numbers are others, the first of them.
    if (min <= usual && max >= -usual) [min, max] = [Math.max(min, -usual), Math.min(max, usual)]
    else if (min > usual) max = Math.min(max, min + usual)
    else min = Math.max(min, max - usual)
  }
  if (min > max) return null
  return fc.integer({ min, max }).map((value) => (value === 0 ? 0 : value))
}

/** Bounds of a date in `minimum` and `maximum`, ms. */
export function datesOf({ fc, schema, taste }: Leaf): Arbitrary<Date> {
  const { first, last } = years[taste]
  const spanMs = last - first
  const min = schema.minimum ?? Math.min(first, (schema.maximum ?? last) - spanMs)
  const max = schema.maximum ?? Math.max(last, min + spanMs)
  return fc.date({ min: new Date(min), max: new Date(max), noInvalidDate: true })
}
