/** A filter that gives up: fast-check's own one looks for ever where nothing passes. */
import type { Arbitrary, FastCheck } from './fast-check.ts'
import { schemaFault } from './json-schema.ts'

/** Values made in a row of which none passes. */
const misses = 500

export interface LimitedOptions<T> {
  readonly fc: FastCheck
  readonly from: Arbitrary<T>
  /** Null: the value passes. Else why not, for people. */
  readonly refuses: (value: T) => string | null
  /** What of the schema it is, for people: `#/properties/a`. */
  readonly at: string
}

/**
 * @returns the values of `from` that pass. Making one throws `invalid-schema` where 500 in a row do
 * not
 */
export function limited<T>({ fc, from, refuses, at }: LimitedOptions<T>): Arbitrary<T> {
  const passes = (value: T): boolean => refuses(value) === null
  const filtered = from.filter(passes)
  class Limited extends fc.Arbitrary<T> {
    override generate(
      ...args: Parameters<Arbitrary<T>['generate']>
    ): ReturnType<Arbitrary<T>['generate']> {
      let value: T | undefined
      for (let i = 0; i < misses; i++) {
        const made = from.generate(...args)
        if (passes(made.value)) return made
        value = made.value
      }
      const why = refuses(value as T)
      const text = `none of ${misses} values made for ${at} fits: ${why}`
      throw schemaFault(text, 'loosen the schema, or give an arbitrary of your own')
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
