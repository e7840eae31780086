/** Where event time stands when the last of several inputs has fallen idle, plainly. */

export interface FallenInput {
  /** Wall clock of its last record. */
  readonly lastAtMs: number
  /** −Infinity: it never had a record. */
  readonly reachedMs: number
}

/**
 * @param fallen those that this tick has found idle, the last of all inputs
 * @param all every input
 * @returns where they leave event time; those that fell idle before the last do not count, those
 * that never had a record neither
 */
export function leftAtMs(
  fallen: readonly FallenInput[],
  all: readonly FallenInput[],
  watermarkMs: number,
): number {
  const newestMs = fallen.reduce((newest, { lastAtMs }) => Math.max(newest, lastAtMs), -Infinity)
  const last = leastOf(fallen.filter(({ lastAtMs }) => lastAtMs === newestMs))
  const left = last === -Infinity && watermarkMs === -Infinity ? leastOf(all) : last
  return Math.max(watermarkMs, left)
}

function leastOf(inputs: readonly FallenInput[]): number {
  const seen = inputs.map(({ reachedMs }) => reachedMs).filter((ms) => ms > -Infinity)
  return seen.length === 0 ? -Infinity : Math.min(...seen)
}
