/**
 * All that was given, ranked, each with its place in the order of arrival: the accumulator of
 * aggregates that give records back, for groups that records leave again. What leaves is found by
 * its content, as the state keeps it; of equal ones the first that came leaves. O(log n) a record.
 */
import { ValueReader, ValueWriter } from '../../core/value-codec.ts'
import { tag } from '../../core/value-format.ts'
import type { AggregatorOf } from '../aggregator.ts'
import { aggregatorOf, neverAdded } from './aggregator-of.ts'
import { ceiling, itemsOf, put, remove, treeOf } from './ordered-tree.ts'
import type { Compare, Tree } from './ordered-tree.ts'

/** One record: what it is ranked by, and what is kept of it. */
export interface Given<B, R> {
  readonly by: B
  readonly given: R
}

interface Arrival<B, R> extends Given<B, R> {
  /** Equal where the content of `by` and `given` is. */
  readonly content: string
  /** Place in the order of arrival, counted from the group's first. */
  readonly at: number
}

interface Arrivals<B, R> {
  readonly ranked: Tree<Arrival<B, R>>
  readonly byContent: Tree<Arrival<B, R>>
  /** Place of the next. */
  readonly next: number
}

export interface ArrivalsParts<V, R, B, G> {
  readonly kind: string
  extract(value: V): Given<B, G>
  /** Best first; of those it gives 0 for, the first that came. */
  rank(a: B, b: B): number
  result(ranked: Tree<Given<B, G>>): R
}

/** An aggregator over all that was given, with `retract`. */
export function arrivalsAggregator<V, R, B, G>(
  parts: ArrivalsParts<V, R, B, G>,
): AggregatorOf<V, R> {
  type All = Arrivals<B, G>
  const contentOf = contentReader()
  const byRank: Compare<Arrival<B, G>> = (a, b) => parts.rank(a.by, b.by) || a.at - b.at
  const add = (all: All, { by, given }: Given<B, G>, content: string): All => {
    const arrival = { by, given, content, at: all.next }
    return {
      ranked: put(all.ranked, arrival, byRank),
      byContent: put(all.byContent, arrival, compareContent),
      next: all.next + 1,
    }
  }
  const listOf = (all: All): Arrival<B, G>[] => itemsOf(all.ranked).toSorted((a, b) => a.at - b.at)
  return aggregatorOf<V, R, All, Omit<Arrival<B, G>, 'at'>>({
    kind: `retracting ${parts.kind}`,
    extract: (value) => {
      const { by, given } = parts.extract(value)
      return { by, given, content: contentOf(by, given) }
    },
    init: () => ({ ranked: null, byContent: null, next: 0 }),
    add: (all, extracted) => add(all, extracted, extracted.content),
    merge: (first, second) =>
      listOf(second).reduce((all, arrival) => add(all, arrival, arrival.content), first),
    retract: (all, extracted) => {
      const found = ceiling(all.byContent, { ...extracted, at: -1 }, compareContent)
      if (found?.content !== extracted.content) throw neverAdded(parts.kind)
      return {
        ranked: remove(all.ranked, found, byRank),
        byContent: remove(all.byContent, found, compareContent),
        next: all.next,
      }
    },
    retracting: null,
    result: ({ ranked }) => parts.result(ranked),
    state: {
      toState: (all) => listOf(all).flatMap(({ by, given }) => [by, given]),
      fromState: (state) => {
        const flat = state as unknown[]
        const list: Arrival<B, G>[] = []
        for (let i = 0; i < flat.length; i += 2) {
          const [by, given] = [flat[i] as B, flat[i + 1] as G]
          list.push({ by, given, content: contentOf(by, given), at: i / 2 })
        }
        return {
          ranked: treeOf(list.toSorted(byRank)),
          byContent: treeOf(list.toSorted(compareContent)),
          next: list.length,
        }
      },
    },
  })
}

function compareContent(a: Arrival<unknown, unknown>, b: Arrival<unknown, unknown>): number {
  if (a.content === b.content) return a.at - b.at
  return a.content < b.content ? -1 : 1
}

/**
 * Bytes as the state store writes them, as text: the same before and after a restore. A restore
 * makes plain objects of class instances, so these are compared as what will come back.
 */
function contentReader(): (by: unknown, given: unknown) => string {
  const writer = new ValueWriter(256)
  /** @returns where the second value starts */
  const write = (by: unknown, given: unknown): number => {
    writer.reset()
    writer.writeValue(by)
    const middle = writer.length
    writer.writeValue(given)
    return middle
  }
  return (by, given) => {
    const middle = write(by, given)
    const bytes = writer.view()
    if (bytes[0] === tag.v8 || bytes[middle] === tag.v8) {
      const reader = new ValueReader(writer.bytes())
      write(reader.readValue(), reader.readValue())
    }
    const { buffer, byteOffset, length } = writer.view()
    return Buffer.from(buffer, byteOffset, length).toString('latin1')
  }
}
