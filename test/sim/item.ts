/**
 * Records of random plans. All are `Item`s, whatever steps they have passed: so any step can follow
 * any other.
 */
import type { Duration } from '../../src/index.ts'

/** A record of a random plan: a number to compute with, and all that led to it. */
export interface Item {
  readonly v: number
  readonly p: unknown
}

export function ms(n: number): Duration {
  return `${n}ms`
}

/** A record of what a step gave. */
export function itemOf(result: unknown): Item {
  let isPlain = true
  const text = JSON.stringify(result, (_name, part: unknown) => {
    if (typeof part !== 'bigint') return part
    isPlain = false
    return `${part}n`
  })
  // A key may be a bigint, which is no JSON.
  return { v: hashOf(text ?? 'undefined') % 1000, p: isPlain ? result : JSON.parse(text) }
}

/** FNV-1a, 31 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  }
  return hash >>> 1
}

/** Throws for some items, always the same ones: what they did is undone. */
export function refuseSome(item: Item, of: number, isIt: number): Item {
  if (item.v % of === isIt) throw new Error(`${item.v} is refused`)
  return item
}
