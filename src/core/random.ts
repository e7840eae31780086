/**
 * The only door to randomness: code takes a `Random`, so that one seed repeats a whole test. Not
 * for secrets.
 */

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number
  /** Uniform whole number in [0, below). @param below 1 to 2^53 - 1 */
  int(below: number): number
}

/** The machine's. */
export const systemRandom: Random = {
  next: () => Math.random(),
  int: (below) => Math.floor(Math.random() * below),
}

/** A UUID of version 4: unique for all that matters, and no secret. */
export function uuid(random: Random): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => random.int(16).toString(16)).join('')
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + random.int(4)).toString(16)}${hex(3)}-${hex(12)}`
}

/**
 * xoshiro128** 1.1 (D. Blackman, S. Vigna, prng.di.unimi.it), its state filled by splitmix32 from
 * the seed.
 * @param seed a whole number; its low 53 bits count
 * @returns a generator that gives the same numbers on every machine and release
 */
export function seededRandom(seed: number): Random {
  let fill = (seed ^ Math.imul(Math.floor(seed / 0x1_0000_0000), 0x9e37_79b9)) >>> 0
  const seedWord = (): number => {
    fill = (fill + 0x9e37_79b9) >>> 0
    let word = fill
    word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b)
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35)
    return word ^ (word >>> 16)
  }
  // Four zeros would stay zero for ever; splitmix never gives four in a row.
  return xoshiro128([seedWord(), seedWord(), seedWord(), seedWord()])
}

/**
 * The bare generator on its four words of state, not all zero. For the test against the published
 * numbers.
 */
export function xoshiro128(state: readonly [number, number, number, number]): Random & {
  /** The next 32 bits, unsigned. */
  word(): number
} {
  let [a, b, c, d] = state
  const word = (): number => {
    const mixed = Math.imul(b, 5)
    const result = Math.imul((mixed << 7) | (mixed >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
  const next = (): number => {
    const high = word() >>> 5 // 27 bits
    const low = word() >>> 6 // 26 bits
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000
  }
  return { word, next, int: (below) => Math.floor(next() * below) }
}

/** 20 characters of [0-9a-z], about 103 bits: a name that no other process has. */
export function uniqueName(random: Random): string {
  let name = ''
  for (let i = 0; i < 20; i++) name += random.int(36).toString(36)
  return name
}
