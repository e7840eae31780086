/** A smaller input that fails in the same way: pieces taken out, then bytes made plain. */

const triesMax = 1500
/** What a person reads most easily, and what says least. */
const plain = [0x30, 0x00] as const

/**
 * @param isSame whether an input still fails as the first one did
 * @returns the smallest that was found; `input` itself where none is smaller
 */
export async function minimise(
  input: Buffer,
  isSame: (smaller: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let best = input
  let tries = 0
  const attempt = async (smaller: Buffer): Promise<boolean> => {
    tries += 1
    if (!(await isSame(smaller))) return false
    best = smaller
    return true
  }
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && tries < triesMax;) {
      const without = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      if (!(await attempt(without))) at += size
    }
  }
  for (let at = 0; at < best.length && tries < triesMax; at++) {
    for (const byte of plain) {
      if (best[at] === byte) break
      const plainer = Buffer.from(best)
      plainer[at] = byte
      if (await attempt(plainer)) break
    }
  }
  return best
}
