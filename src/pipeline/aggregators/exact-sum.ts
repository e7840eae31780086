/**
 * Sums of numbers without rounding: a list of doubles that do not overlap, smallest first, whose
 * sum is exact (J. Shewchuk, "Adaptive precision floating-point arithmetic", 1997). What is
 * subtracted again is gone without trace. A list has as many parts as the values are spread over: 1
 * to 3 for most data, 40 at most. None is zero; the empty list is 0. Beyond the range of doubles
 * (1.8e308) a sum is infinite, for good.
 */
export type ExactSum = readonly number[]

/** @param value finite */
export function plus(sum: ExactSum, value: number): number[] {
  const parts: number[] = []
  let high = value
  for (let i = 0; i < sum.length; i++) {
    const part = sum[i] as number
    const total = high + part
    const taken = total - high
    const low = high - (total - taken) + (part - taken)
    if (low !== 0) parts.push(low)
    high = total
  }
  if (!Number.isFinite(high)) return [high]
  if (high !== 0) parts.push(high)
  return parts
}

export function plusAll(first: ExactSum, second: ExactSum): ExactSum {
  return second.reduce<ExactSum>((sum, part) => {
    return Number.isFinite(part) ? plus(sum, part) : [part]
  }, first)
}

/** With a · b, both rounded and what the rounding lost (T. Dekker 1971). */
export function plusProduct(sum: ExactSum, a: number, b: number): number[] {
  const product = a * b
  if (!Number.isFinite(product)) return [product]
  const [aHigh, bHigh] = [upperHalf(a), upperHalf(b)]
  const [aLow, bLow] = [a - aHigh, b - bHigh]
  const lost = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
  return plus(plus(sum, product), lost)
}

/** The nearest double; halfway between two the even one. */
export function rounded(sum: ExactSum): number {
  let at = sum.length - 1
  if (at < 0) return 0
  let total = sum[at] as number
  let low = 0
  while (at > 0 && low === 0) {
    at -= 1
    const part = sum[at] as number
    const high = total
    total = high + part
    low = part - (total - high)
  }
  // Exactly halfway so far, it is what lies below that decides.
  const below = at > 0 ? (sum[at - 1] as number) : 0
  if ((low < 0 && below < 0) || (low > 0 && below > 0)) {
    const twice = low * 2
    const next = total + twice
    if (twice === next - total) return next
  }
  return total
}

/** The upper 26 bits of the 53; products of halves are exact (G. Veltkamp 1968). */
function upperHalf(value: number): number {
  const scaled = value * 134_217_729 // 2^27 + 1
  return Number.isFinite(scaled) ? scaled - (scaled - value) : value
}
