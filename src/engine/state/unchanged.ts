/** For stores whose values are written as they are. */
export function unchanged(value: unknown): unknown {
  return value
}
