import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plus, plusAll, plusProduct, rounded } from './exact-sum.ts'
import type { ExactSum } from './exact-sum.ts'

/** A double as a whole number of 2^−1074ths, from its bits. */
function inUnits(value: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0] as bigint
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xf_ffff_ffff_ffffn
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return bits >> 63n === 1n ? -magnitude : magnitude
}

function unitsOf(sum: ExactSum): bigint {
  return sum.reduce((units, part) => units + inUnits(part), 0n)
}

/** Whether no double is nearer; of two as near, the even one. */
function isNearest(value: number, units: bigint): boolean {
  const distance = (other: number): bigint => {
    const difference = inUnits(other) - units
    return difference < 0n ? -difference : difference
  }
  const bits = new BigInt64Array(Float64Array.of(value).buffer)[0] as bigint
  const neighbours = [bits - 1n, bits + 1n].map(
    (near) => new Float64Array(BigInt64Array.of(near).buffer)[0] as number,
  )
  return neighbours.every((other) => {
    if (!Number.isFinite(other)) return true
    const difference = distance(other) - distance(value)
    return difference > 0n || (difference === 0n && (bits & 1n) === 0n)
  })
}

const summands = fc.oneof(
  fc.double({ noNaN: true, min: -1e307, max: 1e307 }),
  fc.double({ noNaN: true, min: -1, max: 1 }),
  fc.constantFrom(0, -0, 5e-324, 2 ** 53, 1, 2 ** -53, 2 ** -54, -(2 ** 52), 1 + 2 ** -52),
)

test('exact, in any order, and gone without trace when subtracted', () => {
  fc.assert(
    fc.property(fc.array(summands, { maxLength: 12 }), fc.array(summands), (values, more) => {
      const sum = values.reduce<ExactSum>(plus, [])
      const units = values.reduce((all, value) => all + inUnits(value), 0n)
      expect(unitsOf(sum)).toBe(units)
      const result = rounded(sum)
      if (units === 0n) expect(result).toBe(0)
      else expect(isNearest(result, units)).toBe(true)
      expect(rounded(values.toReversed().reduce<ExactSum>(plus, []))).toBe(result)
      const rest = more.reduce<ExactSum>(
        (all, value) => plus(all, -value),
        plusAll(sum, more.reduce<ExactSum>(plus, [])),
      )
      expect(unitsOf(rest)).toBe(units)
    }),
    { numRuns: 1000 },
  )
})

test('products are exact', () => {
  const factors = fc.double({ noNaN: true, min: -1e100, max: 1e100 }).map((n) => Math.fround(n) + n)
  fc.assert(
    fc.property(factors, factors, (a, b) => {
      if (Math.abs(a * b) < 1e-200 || !Number.isFinite(a * b)) return
      const parts = plusProduct([], a, b)
      expect(unitsOf(parts) << 1074n).toBe(inUnits(a) * inUnits(b))
    }),
    { numRuns: 500 },
  )
})

test('halfway between two doubles what lies far below decides', () => {
  const half = [2 ** 53, 1]
  expect(rounded(half.reduce<ExactSum>(plus, []))).toBe(2 ** 53)
  expect(rounded([...half, 5e-324].reduce<ExactSum>(plus, []))).toBe(2 ** 53 + 2)
  expect(rounded([...half, -5e-324].reduce<ExactSum>(plus, []))).toBe(2 ** 53)
})
