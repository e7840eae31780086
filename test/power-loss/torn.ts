/** What a file holds when some of its unsynced writes are lost or torn. */
import type { Random } from '../../src/core/random.ts'
import { Content } from './content.ts'

/**
 * What is left of what was not synced. `none` and `all` of it; `writes`: each whole or not at all;
 * `sectors`: each sector of each write by itself; `prefix`: all up to a moment, and of the write of
 * that moment the first sectors.
 */
export type Loss = 'none' | 'all' | 'writes' | 'sectors' | 'prefix'

export interface CutOptions {
  readonly loss: Loss
  readonly sectorBytes: 512 | 4096
  readonly random: Random
}

export type Pending = { readonly order: number } & (
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number }
)

/** Unsynced writes of which nothing, or only a part, was in an image. */
export interface TornCounts {
  lost: number
  torn: number
}

export interface TearOptions extends CutOptions {
  /** For `prefix`: what is older than this is kept; the write of this order is torn. */
  readonly until: number
  readonly counts: TornCounts
}

/** Does all of it. */
export function writeAll(file: Content, pending: readonly Pending[]): void {
  for (const one of pending) {
    if (one.kind === 'truncate') file.resize(one.size)
    else file.write(one.at, one.bytes)
  }
}

/** @returns what the file may hold; `safe` is left as it is */
export function afterCut(safe: Content, pending: readonly Pending[], options: TearOptions): Buffer {
  const file = new Content(safe.bytes)
  if (options.loss === 'all') {
    writeAll(file, pending)
    return file.bytes
  }
  const kept = chooseSectors(pending, options)
  const { random, counts, loss, until } = options
  // Where a file has grown and its new bytes have not come, nobody knows what it holds there.
  const grows = loss !== 'none' && random.int(2) === 0
  const rubbish = random.int(2) === 0
  for (const [i, one] of pending.entries()) {
    if (one.kind === 'truncate') {
      if (loss === 'prefix' ? one.order < until : loss !== 'none' && random.int(2) === 0)
        file.resize(one.size)
      continue
    }
    const pieces = piecesOf(one, options.sectorBytes)
    const there = pieces.filter(({ sector }) => (kept.get(sector) ?? -1) >= i)
    if (there.length === 0) counts.lost += 1
    else if (there.length < pieces.length) counts.torn += 1
    const end = one.at + one.bytes.length
    if (grows && there.length < pieces.length && file.size < end) {
      const from = file.size
      file.resize(end)
      if (rubbish) for (let at = from; at < end; at++) file.bytes[at] = random.int(256)
    }
    for (const { from, to } of there)
      file.write(from, one.bytes.subarray(from - one.at, to - one.at))
  }
  return file.bytes
}

interface Piece {
  readonly sector: number
  readonly from: number
  readonly to: number
}

function piecesOf({ at, bytes }: Extract<Pending, { kind: 'write' }>, size: number): Piece[] {
  const pieces: Piece[] = []
  const end = at + bytes.length
  for (let from = at; from < end;) {
    const sector = Math.floor(from / size)
    const to = Math.min(end, (sector + 1) * size)
    pieces.push({ sector, from, to })
    from = to
  }
  return pieces
}

/**
 * For each sector the index of the last write that reached it: the page cache holds what all of
 * them have written up to then, so none before it can be missing there.
 */
function chooseSectors(pending: readonly Pending[], options: TearOptions): Map<number, number> {
  const { loss, random, until, sectorBytes } = options
  const last = new Map<number, number>()
  if (loss === 'none') return last
  const all = new Map<number, number[]>()
  for (const [i, one] of pending.entries()) {
    if (one.kind === 'truncate') continue
    const pieces = piecesOf(one, sectorBytes)
    if (loss === 'writes' && random.int(2) === 0) continue
    if (loss === 'prefix' && one.order > until) continue
    const reached =
      loss === 'prefix' && one.order === until ? pieces.slice(0, random.int(pieces.length)) : pieces
    for (const { sector } of reached) {
      if (loss !== 'sectors') last.set(sector, i)
      else {
        const list = all.get(sector)
        if (list === undefined) all.set(sector, [i])
        else list.push(i)
      }
    }
  }
  for (const [sector, list] of all) last.set(sector, list[random.int(list.length + 1) - 1] ?? -1)
  return last
}
