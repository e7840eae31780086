/** A filter that gives up: fast-check's own one looks for ever where nothing passes. */
import type { Arbitrary, FastCheck } from './fast-check.ts'
import { schemaFault } from './json-schema.ts'

/** Values made in a row of which none passes. */
const misses = 500

/**
 * Of one value, in all its parts: where conditions lie within each other, misses multiply.
 */
const missesInAll = 5_000

/** Shared by what makes one value. */
export class MissBudget {
  #missed = 0

  /** A new value begins. */
  reset(): void {
    this.#missed = 0
  }

  /** @returns whether there were too many */
  miss(): boolean {
    this.#missed += 1
    return this.#missed > missesInAll
  }
}

export interface LimitedOptions<T> {
  readonly fc: FastCheck
  readonly from: Arbitrary<T>
  /** Null: the value passes. Else why not, for people. */
  readonly refuses: (value: T) => string | null
  /** What of the schema it is, for people: `#/properties/a`. */
  readonly at: string
  readonly budget: MissBudget
  /** `whole`: what it makes is no part of another value. */
  readonly scope: 'whole' | 'part'
}

/**
 * @returns the values of `from` that pass. Making one throws `invalid-schema` where 500 in a row do
 * not, or too many in all
 */
export function limited<T>(options: LimitedOptions<T>): Arbitrary<T> {
  const { fc, from, refuses, at, budget, scope } = options
  const passes = (value: T): boolean => refuses(value) === null
  const filtered = from.filter(passes)
  class Limited extends fc.Arbitrary<T> {
    override generate(
      ...args: Parameters<Arbitrary<T>['generate']>
    ): ReturnType<Arbitrary<T>['generate']> {
      if (scope === 'whole') budget.reset()
      for (let tries = 1; ; tries++) {
        const made = from.generate(...args)
        const why = refuses(made.value)
        if (why === null) return made
        if (tries < misses && !budget.miss()) continue
        const text = `none of ${tries} values made for ${at} fits: ${why}`
        throw schemaFault(text, 'loosen the schema, or give an arbitrary of your own')
      }
    }
    override canShrinkWithoutContext(value: unknown): value is T {
      return filtered.canShrinkWithoutContext(value)
    }
    override shrink(
      ...args: Parameters<Arbitrary<T>['shrink']>
    ): ReturnType<Arbitrary<T>['shrink']> {
      return filtered.shrink(...args)
    }
  }
  return new Limited()
}
