/** Known bugs, planted one at a time: the suite must catch each. */
import { edgeBugs } from './planted-edges.ts'
import { engineBugs } from './planted-engine.ts'
import { kafkaBugs } from './planted-kafka.ts'
import { letterBugs } from './planted-letters.ts'
import { logBugs } from './planted-log.ts'
import { serverBugs } from './planted-server.ts'
import { stepBugs } from './planted-steps.ts'
import type { Planted } from './planted-bug.ts'

export const plantedBugs: readonly Planted[] = [
  ...engineBugs,
  ...stepBugs,
  ...edgeBugs,
  ...letterBugs,
  ...logBugs,
  ...kafkaBugs,
  ...serverBugs,
]

/** @throws where the text is not there exactly once, or nothing would change */
export function plant({ name, file, find, replace }: Planted, source: string): string {
  const at = source.indexOf(find)
  const isThere = at >= 0 && source.indexOf(find, at + 1) < 0
  if (!isThere) throw new Error(`'${name}': its text is not in ${file} exactly once`)
  if (find === replace) throw new Error(`'${name}' changes nothing`)
  return source.slice(0, at) + replace + source.slice(at + find.length)
}
