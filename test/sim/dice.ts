/** Chance for generators: one seed decides everything that is drawn. */
import { seededRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'

export class Dice {
  readonly #random: Random

  /** @param seed a whole number from 0 */
  constructor(seed: number) {
    this.#random = seededRandom(seed)
    // Seeds that follow each other begin alike: their first numbers are thrown away.
    for (let i = 0; i < 8; i++) this.#random.next()
  }

  /** Uniform in [0, below). */
  int(below: number): number {
    return this.#random.int(below)
  }

  /** Uniform in [from, to]. */
  between(from: number, to: number): number {
    return from + this.#random.int(to - from + 1)
  }

  /** True in so many of a hundred. */
  percent(of100: number): boolean {
    return this.#random.int(100) < of100
  }

  pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)] as T
  }

  /** Some of a list, in its order. */
  some<T>(list: readonly T[], atLeast: number, atMost: number): T[] {
    const wanted = Math.min(list.length, this.between(atLeast, atMost))
    const drawn = new Set<number>()
    while (drawn.size < wanted) drawn.add(this.#random.int(list.length))
    return list.filter((_one, i) => drawn.has(i))
  }
}
