/**
 * HyperLogLog (P. Flajolet et al. 2007) over 53-bit hashes: of all hashes that fall into a register
 * the longest run of leading zeros, plus one. How many different hashes there were is read from how
 * often each length occurs, with the estimator of O. Ertl ("New cardinality estimation algorithms
 * for HyperLogLog sketches", 2017, algorithm 6), which needs no tables of corrections. While there
 * are few, the hashes themselves are kept: their number is then exact but for collisions (1 in 10^9
 * for 4000).
 */
import { hashBits } from '../../core/hash.ts'
import { Version, bodyOf, withSlot } from './version.ts'
import type { Body } from './version.ts'

const highBits = 32
const lowScale = 2 ** (hashBits - highBits)
/** Ertl's α∞. */
const alphaInfinite = 1 / (2 * Math.LN2)

/** The hashes. A slot is a hash: 1 where it is there, else 0. */
class Hashes implements Body<number, number> {
  readonly all: Set<number>

  constructor(all: Set<number>) {
    this.all = all
  }

  swap(hash: number, present: number): number {
    if (present === 0) return Number(this.all.delete(hash))
    const before = this.all.has(hash) ? 1 : 0
    this.all.add(hash)
    return before
  }
}

/** A slot is a register. */
class Registers implements Body<number, number> {
  readonly values: Uint8Array
  /** How many registers hold each value. */
  readonly counts: number[]

  constructor(values: Uint8Array) {
    this.values = values
    this.counts = Array.from({ length: hashBits + 2 }, () => 0)
    for (const value of values) (this.counts[value] as number) += 1
  }

  swap(register: number, value: number): number {
    const before = this.values[register] as number
    this.values[register] = value
    ;(this.counts[before] as number) -= 1
    ;(this.counts[value] as number) += 1
    return before
  }
}

export type HyperLogLog = Version<Hashes | Registers, number, number>

export function emptyHyperLogLog(): HyperLogLog {
  return new Version<Hashes | Registers, number, number>(new Hashes(new Set()))
}

/** @param precision 2^precision registers: 8 (below, Ertl's estimator leans to one side) to 18 */
export function addHash(sketch: HyperLogLog, hash: number, precision: number): HyperLogLog {
  const body = bodyOf(sketch)
  if (body instanceof Registers) {
    const register = registerOf(hash, precision)
    const value = runOf(hash, precision)
    return value > (body.values[register] as number) ? withSlot(sketch, register, value) : sketch
  }
  if (body.all.has(hash)) return sketch
  if (body.all.size < hashesMax(precision)) return withSlot(sketch, hash, 1)
  const registers = toRegisters(body, precision)
  raise(registers, hash, precision)
  return new Version<Hashes | Registers, number, number>(registers)
}

export function mergeHyperLogLogs(
  first: HyperLogLog,
  second: HyperLogLog,
  precision: number,
): HyperLogLog {
  const [a, b] = [bodyOf(first), bodyOf(second)]
  if (a instanceof Hashes && b instanceof Hashes) {
    const all = new Set([...a.all, ...b.all])
    const hashes = new Hashes(all)
    return new Version<Hashes | Registers, number, number>(
      all.size <= hashesMax(precision) ? hashes : toRegisters(hashes, precision),
    )
  }
  const registers = toRegisters(a, precision)
  if (b instanceof Hashes) for (const hash of b.all) raise(registers, hash, precision)
  else b.values.forEach((value, register) => raiseTo(registers, register, value))
  return new Version<Hashes | Registers, number, number>(registers)
}

export function estimateOf(sketch: HyperLogLog, precision: number): number {
  const body = bodyOf(sketch)
  if (body instanceof Hashes) return body.all.size
  const { counts } = body
  const registers = 2 ** precision
  const longest = hashBits - precision
  let sum = registers * tau(1 - (counts[longest + 1] as number) / registers)
  for (let value = longest; value >= 1; value--) sum = 0.5 * (sum + (counts[value] as number))
  sum += registers * sigma((counts[0] as number) / registers)
  return Math.round((alphaInfinite * registers * registers) / sum)
}

/** The hashes, or the registers. */
export function hyperLogLogState(sketch: HyperLogLog): Float64Array | Uint8Array {
  const body = bodyOf(sketch)
  return body instanceof Hashes ? Float64Array.from(body.all) : body.values.slice()
}

export function hyperLogLogOf(state: Float64Array | Uint8Array): HyperLogLog {
  return new Version<Hashes | Registers, number, number>(
    state instanceof Uint8Array ? new Registers(state) : new Hashes(new Set(state)),
  )
}

/** So many take the bytes that the registers take. */
function hashesMax(precision: number): number {
  return 2 ** precision / Float64Array.BYTES_PER_ELEMENT
}

function toRegisters(body: Hashes | Registers, precision: number): Registers {
  if (body instanceof Registers) return new Registers(body.values.slice())
  const registers = new Registers(new Uint8Array(2 ** precision))
  for (const hash of body.all) raise(registers, hash, precision)
  return registers
}

function raise(registers: Registers, hash: number, precision: number): void {
  raiseTo(registers, registerOf(hash, precision), runOf(hash, precision))
}

function raiseTo(registers: Registers, register: number, value: number): void {
  if (value > (registers.values[register] as number)) registers.swap(register, value)
}

/** The first bits of the hash. */
function registerOf(hash: number, precision: number): number {
  return Math.floor(hash / lowScale) >>> (highBits - precision)
}

/** Leading zeros of the other bits, plus one: 1 to 54 − precision. */
function runOf(hash: number, precision: number): number {
  const high = Math.floor(hash / lowScale) << precision
  if (high !== 0) return Math.clz32(high) + 1
  const low = hash % lowScale
  // clz32 of the low bits counts the 11 bits above them, too; of 0 all 32.
  return highBits - precision + Math.clz32(low) - (highBits - (hashBits - highBits)) + 1
}

/** What the registers that are still 0 add: ∞ where all are. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY
  let power = share
  let weight = 1
  let sum = share
  for (let before = Number.NaN; sum !== before;) {
    before = sum
    power *= power
    sum += power * weight
    weight += weight
  }
  return sum
}

/** What the registers that are at their end add: 0 where none is. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let root = share
  let weight = 1
  let sum = 1 - share
  for (let before = Number.NaN; sum !== before;) {
    before = sum
    root = Math.sqrt(root)
    weight *= 0.5
    sum -= (1 - root) ** 2 * weight
  }
  return sum / 3
}
