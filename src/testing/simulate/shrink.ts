/** Makes a failing list smaller: delta debugging (A. Zeller, R. Hildebrandt, 2002), simplified. */

/**
 * Takes away chunks of a list, from halves down to single items, as long as what is left still
 * fails.
 * @param fails called with shorter lists, one after the other
 * @param isOver no further try is made once it says true
 * @returns a list that fails; no single item of it can be left out, unless `isOver` ended it
 */
export async function shrinkList<T>(
  list: readonly T[],
  fails: (shorter: readonly T[]) => Promise<boolean>,
  isOver: () => boolean,
): Promise<readonly T[]> {
  let kept = list
  for (let size = Math.ceil(kept.length / 2); size >= 1 && kept.length > 0;) {
    let isShorter = false
    for (let at = 0; at < kept.length;) {
      if (isOver()) return kept
      const shorter = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await fails(shorter)) {
        kept = shorter
        isShorter = true
      } else at += size
    }
    if (size > 1) size = Math.ceil(size / 2)
    else if (!isShorter) return kept
  }
  return kept
}

/**
 * Replaces items by simpler ones, the simplest first, as long as the list still fails.
 * @param simpler of an item, the simplest first
 */
export async function simplifyList<T>(
  list: readonly T[],
  simpler: (item: T) => readonly T[],
  fails: (other: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = list
  for (const [i, item] of list.entries()) {
    for (const one of simpler(item)) {
      const other = kept.with(i, one)
      if (!(await fails(other))) continue
      kept = other
      break
    }
  }
  return kept
}
