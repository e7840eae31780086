/**
 * `java.util.Random`, as its documentation describes it: a linear congruential generator of 48
 * bits. The state is kept in two halves of 24 bits, exact in doubles; BigInt would cost ten times
 * as much.
 */

const half = 0x100_0000
const multiplierHigh = 0x5de
const multiplierLow = 0xece66d
/** Numbers of 31 bits. */
const span31 = 0x8000_0000

export class JavaRandom {
  #high = 0
  #low = 0

  /** Begins anew. @param seed a whole number from 0 to 2^48 − 1 */
  seed(seed: number): this {
    this.#high = Math.floor(seed / half) ^ multiplierHigh
    this.#low = (seed % half) ^ multiplierLow
    return this
  }

  /** From 0 to bound − 1. */
  nextInt(bound: number): number {
    let bits = this.#next31()
    if ((bound & (bound - 1)) === 0) return Math.floor((bound * bits) / span31)
    let value = bits % bound
    // The last, incomplete range is passed over: it would make small numbers likelier.
    while (bits - value + (bound - 1) >= span31) {
      bits = this.#next31()
      value = bits % bound
    }
    return value
  }

  /** Any signed number of 32 bits. */
  nextSigned(): number {
    this.#step()
    return (this.#high * 0x100 + (this.#low >>> 16)) | 0
  }

  /** From 0 to below 1. */
  nextDouble(): number {
    this.#step()
    const first = this.#high * 4 + (this.#low >>> 22)
    this.#step()
    const second = this.#high * 8 + (this.#low >>> 21)
    return (first * 0x800_0000 + second) / 2 ** 53
  }

  #next31(): number {
    this.#step()
    return this.#high * 0x80 + (this.#low >>> 17)
  }

  #step(): void {
    const low = this.#low * multiplierLow + 0xb
    const carry = Math.floor(low / half)
    // Each product stays below 2^53; above 2^48 nothing counts.
    const high = this.#high * multiplierLow + this.#low * multiplierHigh + carry
    this.#low = low % half
    this.#high = high % half
  }
}
