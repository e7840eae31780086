/** Exact comparison of types, for type tests. */

/** `true` where A and B are the same type; optional and readonly count. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles for `true` only. */
export type Expect<T extends true> = T
