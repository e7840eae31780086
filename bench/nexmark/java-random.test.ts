import { expect, test } from 'vitest'
import { JavaRandom } from './java-random.ts'

/** What `new java.util.Random(42)` gives. */
test('numbers of 32 bits, and doubles, are those of Java', () => {
  const random = new JavaRandom().seed(42)
  const signed = [random.nextSigned(), random.nextSigned(), random.nextSigned()]
  expect(signed).toEqual([-1_170_105_035, 234_785_527, -1_360_544_799])
  expect(random.seed(42).nextDouble()).toBe(0.7275636800328681)
})

test('both halves of the state are right for seeds of up to 48 bits, against BigInt', () => {
  const mask = (1n << 48n) - 1n
  for (const seed of [0, 1, 2 ** 24 - 1, 2 ** 24, 2 ** 32 + 7, 2 ** 48 - 1]) {
    const random = new JavaRandom().seed(seed)
    let state = BigInt(seed) ^ 0x5deece66dn
    for (let draw = 0; draw < 1000; draw++) {
      state = (state * 0x5deece66dn + 0xbn) & mask
      expect(random.nextSigned()).toBe(Number(BigInt.asIntN(32, state >> 16n)))
    }
  }
})

test('bounds: powers of two take the high bits, others the rest of a division', () => {
  const random = new JavaRandom()
  const first31 = (random.seed(7).nextSigned() >>> 1) >>> 0
  expect(random.seed(7).nextInt(16)).toBe(Math.floor((first31 * 16) / 2 ** 31))
  expect(random.seed(7).nextInt(13)).toBe(first31 % 13)
  expect(random.seed(7).nextInt(1)).toBe(0)
})

test('what falls into the last, incomplete range is drawn again', () => {
  const bound = 2 ** 30 + 1 // only 2^30 + 1 of 2^31 numbers are in a complete range
  let redrawn = 0
  for (let seed = 0; seed < 100; seed++) {
    const random = new JavaRandom().seed(seed)
    let drawn = (random.nextSigned() >>> 1) >>> 0
    while (drawn >= bound) {
      drawn = (random.nextSigned() >>> 1) >>> 0
      redrawn += 1
    }
    expect(random.seed(seed).nextInt(bound)).toBe(drawn)
  }
  expect(redrawn).toBeGreaterThan(20)
})
