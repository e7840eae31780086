/** `split`: one stream cut into several by key. */
import { refuse } from './checked.ts'
import type { Node, OutputNode } from './node.ts'
import { stepNode } from './step-node.ts'

/** N streams, as a tuple where N is a literal. */
export type Split<S, N extends number> = number extends N ? readonly S[] : Tuple<S, N, readonly []>

type Tuple<S, N extends number, Made extends readonly S[]> = Made['length'] extends N
  ? Made
  : Tuple<S, N, readonly [...Made, S]>

const streamsMax = 100

/** @throws `invalid-argument` */
export function splitNodes(input: Node, count: number): OutputNode[] {
  if (!Number.isInteger(count) || count < 1 || count > streamsMax) {
    throw refuse(`split takes a whole number from 1 to ${streamsMax}`, count)
  }
  const traits = { label: 'split', method: '.split()', settings: { streams: String(count) } }
  const split = stepNode([input], { kind: 'split', count }, traits)
  return Array.from({ length: count }, (_, i) => {
    return { kind: 'output', input: split, output: `split-${i}`, named: null }
  })
}
