/** A known bug: what is changed in the source, and what that does. */
export interface Planted {
  /** What is wrong then, in the words of whoever suffers from it. */
  readonly name: string
  /** From the project's root. */
  readonly file: string
  /** Text that is there exactly once. */
  readonly find: string
  readonly replace: string
}
