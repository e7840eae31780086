/** Entries of all stores of a task: for limits and status. */
export function entryCount({ entries }: { readonly entries: ReadonlyMap<string, number> }): number {
  let sum = 0
  for (const count of entries.values()) sum += count
  return sum
}
