/**
 * A DDSketch (C. Masson, J. Rim, H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", VLDB 2019): counts of values in bins whose bounds grow by the factor
 * γ = (1 + α) / (1 − α), so that any value of a bin is within α of its representative. One row of
 * bins for positive values, one for negative ones, one count for zeros. A value counts in one bin,
 * so it can be taken back, and adding up the bins merges.
 *
 * A row is bounded: where its bins would span more than a factor of e^41, about 6 · 10^17, those of
 * the least magnitude are added to one, the row's floor. Magnitudes below it count there from then
 * on.
 */
import { withSlot, bodyOf, Version } from './version.ts'
import type { Body } from './version.ts'

/** How far the bins of a row reach, as a power of e: 2048 bins where α is 1 %. */
const spanExponent = 41
/** Magnitudes below count as zero: they have not the digits for a relative error. */
const magnitudeMin = 2.3e-308 // the least normal double is 2.2e-308
const zeroSlot = Number.MAX_SAFE_INTEGER
const noFloor = Number.NEGATIVE_INFINITY

/** Where values go, by the stated error α. */
export class LogBins {
  readonly binsMax: number
  readonly #logGamma: number
  /** Of the representative 2 γ^i / (γ + 1) of bin i. */
  readonly #logOffset: number

  /** @param relativeError α, above 0, below 1 */
  constructor(relativeError: number) {
    const gamma = (1 + relativeError) / (1 - relativeError)
    this.#logGamma = Math.log(gamma)
    this.#logOffset = Math.log(2 / (gamma + 1))
    this.binsMax = Math.ceil(spanExponent / this.#logGamma)
  }

  /** Bin i is (γ^(i − 1), γ^i]. */
  binOf(magnitude: number): number {
    return Math.ceil(Math.log(magnitude) / this.#logGamma)
  }

  valueOf(bin: number): number {
    return Math.min(Math.exp(bin * this.#logGamma + this.#logOffset), Number.MAX_VALUE)
  }
}

/** Counts by bin. Room that holds no count is no part of its value. */
class Row {
  counts: Float64Array = new Float64Array(0)
  /** The bin of `counts[0]`. */
  first = 0
  total = 0
  readonly floor: number

  constructor(floor: number) {
    this.floor = floor
  }

  count(bin: number): number {
    return this.counts[bin - this.first] ?? 0
  }

  /** @returns what the bin held */
  set(bin: number, count: number): number {
    if (bin < this.first || bin >= this.first + this.counts.length) this.#makeRoom(bin)
    const at = bin - this.first
    const before = this.counts[at] as number
    this.counts[at] = count
    this.total += count - before
    return before
  }

  /** The bins in use, lowest and highest; null: none. */
  span(): { readonly low: number; readonly high: number } | null {
    if (this.total === 0) return null
    let low = 0
    while (this.counts[low] === 0) low += 1
    let high = this.counts.length - 1
    while (this.counts[high] === 0) high -= 1
    return { low: low + this.first, high: high + this.first }
  }

  /** The bin of the value at this rank, the least magnitude having rank 0. */
  binAt(rank: number): number {
    let rest = rank
    for (let at = 0; ; at++) {
      rest -= this.counts[at] as number
      if (rest < 0) return at + this.first
    }
  }

  #makeRoom(bin: number): void {
    const length = this.counts.length
    const spare = Math.max(8, length >> 2)
    const start = length === 0 ? bin - spare : Math.min(this.first, bin - spare)
    const end = length === 0 ? bin + spare : Math.max(this.first + length, bin + spare)
    const counts = new Float64Array(end - start)
    if (length > 0) counts.set(this.counts, this.first - start)
    this.counts = counts
    this.first = start
  }
}

/** Slots: bin i of the positive row is 2 i, of the negative row 2 i + 1. */
class Sketch implements Body<number, number> {
  readonly positive: Row
  readonly negative: Row
  zeros = 0

  constructor(positive: Row, negative: Row) {
    this.positive = positive
    this.negative = negative
  }

  swap(slot: number, count: number): number {
    if (slot !== zeroSlot) {
      const row = (slot & 1) === 0 ? this.positive : this.negative
      return row.set(slot >> 1, count)
    }
    const before = this.zeros
    this.zeros = count
    return before
  }

  count(slot: number): number {
    if (slot === zeroSlot) return this.zeros
    return ((slot & 1) === 0 ? this.positive : this.negative).count(slot >> 1)
  }
}

export type DDSketch = Version<Sketch, number, number>

export function emptySketch(): DDSketch {
  return new Version(new Sketch(new Row(noFloor), new Row(noFloor)))
}

/** @param value finite */
export function addTo(sketch: DDSketch, value: number, bins: LogBins): DDSketch {
  const body = bodyOf(sketch)
  const slot = slotOf(body, value, bins)
  const count = body.count(slot)
  if (count > 0 || slot === zeroSlot) return withSlot(sketch, slot, count + 1)
  // A bin that was empty: does the row become too long?
  const isPositive = value > 0
  const row = isPositive ? body.positive : body.negative
  const span = row.span()
  const bin = slot >> 1
  const floor = Math.max(span?.high ?? bin, bin) - bins.binsMax + 1
  if (Math.min(span?.low ?? bin, bin) >= floor) return withSlot(sketch, slot, 1)
  const folded = foldRow([row], floor)
  const next = isPositive
    ? new Sketch(folded, copyRow(body.negative))
    : new Sketch(copyRow(body.positive), folded)
  next.zeros = body.zeros
  const to = slotOf(next, value, bins)
  next.swap(to, next.count(to) + 1)
  return new Version(next)
}

/** @returns null where no value was counted there */
export function takeFrom(sketch: DDSketch, value: number, bins: LogBins): DDSketch | null {
  const body = bodyOf(sketch)
  const slot = slotOf(body, value, bins)
  const count = body.count(slot)
  return count > 0 ? withSlot(sketch, slot, count - 1) : null
}

export function mergeSketches(first: DDSketch, second: DDSketch, bins: LogBins): DDSketch {
  const [a, b] = [bodyOf(first), bodyOf(second)]
  const next = new Sketch(
    mergeRows(a.positive, b.positive, bins.binsMax),
    mergeRows(a.negative, b.negative, bins.binsMax),
  )
  next.zeros = a.zeros + b.zeros
  return new Version(next)
}

/**
 * The value at rank ⌊q · (n − 1)⌋ of n, the least having rank 0, within the stated error; of none
 * NaN.
 */
export function quantileOf(sketch: DDSketch, q: number, bins: LogBins): number {
  const { positive, negative, zeros } = bodyOf(sketch)
  const count = negative.total + zeros + positive.total
  if (count === 0) return Number.NaN
  const rank = Math.floor(q * (count - 1))
  if (rank < negative.total) {
    return -bins.valueOf(negative.binAt(negative.total - 1 - rank))
  }
  if (rank < negative.total + zeros) return 0
  return bins.valueOf(positive.binAt(rank - negative.total - zeros))
}

/** Zeros, then two rows: floor, then the bins in use: how many empty ones before it, its count. */
export type SketchState = readonly [number, RowState, RowState]
type RowState = readonly [floor: number | null, ...pairs: number[]]

export function sketchState(sketch: DDSketch): SketchState {
  const { positive, negative, zeros } = bodyOf(sketch)
  return [zeros, rowState(positive), rowState(negative)]
}

export function sketchOf([zeros, positive, negative]: SketchState): DDSketch {
  const body = new Sketch(rowOf(positive), rowOf(negative))
  body.zeros = zeros
  return new Version(body)
}

function slotOf({ positive, negative }: Sketch, value: number, bins: LogBins): number {
  if (value >= magnitudeMin) return Math.max(bins.binOf(value), positive.floor) * 2
  if (value <= -magnitudeMin) return Math.max(bins.binOf(-value), negative.floor) * 2 + 1
  return zeroSlot
}

/** The rows' counts in one, what lies below the floor in the floor's bin. */
function foldRow(rows: readonly Row[], floor: number): Row {
  const folded = new Row(floor)
  for (const row of rows) {
    // From the top, so that the room grows once.
    for (let at = row.counts.length - 1; at >= 0; at--) {
      const count = row.counts[at] as number
      if (count === 0) continue
      const bin = Math.max(at + row.first, floor)
      folded.set(bin, folded.count(bin) + count)
    }
  }
  return folded
}

function copyRow(row: Row): Row {
  return foldRow([row], row.floor)
}

function mergeRows(a: Row, b: Row, binsMax: number): Row {
  const [aSpan, bSpan] = [a.span(), b.span()]
  const kept = Math.max(a.floor, b.floor)
  const low = Math.min(aSpan?.low ?? Infinity, bSpan?.low ?? Infinity)
  const floor = Math.max(aSpan?.high ?? -Infinity, bSpan?.high ?? -Infinity) - binsMax + 1
  return foldRow([a, b], low < floor ? Math.max(kept, floor) : kept)
}

function rowState(row: Row): RowState {
  const pairs: number[] = []
  let last = 0
  for (let at = 0; at < row.counts.length; at++) {
    const count = row.counts[at] as number
    if (count === 0) continue
    pairs.push(at + row.first - last, count)
    last = at + row.first
  }
  return [row.floor === noFloor ? null : row.floor, ...pairs]
}

function rowOf([floor, ...pairs]: RowState): Row {
  const row = new Row(floor ?? noFloor)
  let bin = 0
  for (let i = 0; i < pairs.length; i += 2) {
    bin += pairs[i] as number
    row.set(bin, pairs[i + 1] as number)
  }
  return row
}
