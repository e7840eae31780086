/**
 * What every aggregator owes, as one check: adds, retracts, undone records, restores, splits and
 * merges in any order, against a plain computation over the list of values that are there.
 */
import { deepStrictEqual, ok } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { ValueReader, ValueWriter } from '../../core/value-codec.ts'
import type { AggregatorOf } from '../aggregator.ts'

export interface Subject {
  readonly aggregator: AggregatorOf<unknown, unknown>
  /** What the result must be for values in order of arrival, at least one. */
  readonly model: (values: readonly unknown[]) => unknown
  /** Where results need not equal the model's. `ever` holds those that left, too. */
  readonly check?: (result: unknown, values: readonly unknown[], ever: readonly unknown[]) => void
  /** Whether values that are equal to it leave as one. Default: deep equality, −0 ≠ 0. */
  readonly isSame?: (a: unknown, b: unknown) => boolean
}

export type Change =
  | { readonly do: 'add'; readonly value: unknown }
  /** One of the values that are there leaves; nothing happens where there is none. */
  | { readonly do: 'retract'; readonly pick: number }

/** What the engine may do to accumulators. */
export type Move =
  | Change
  /** Several changes, then the accumulator before them goes on. */
  | { readonly do: 'undo'; readonly changes: readonly Change[] }
  /** Written to the state store, and read again. */
  | { readonly do: 'restore' }
  /** What follows goes to an accumulator of its own. */
  | { readonly do: 'split' }
  /** The last two accumulators become one. Both are added to afterwards, which it must not feel. */
  | { readonly do: 'join'; readonly values: readonly unknown[] }

interface Part {
  readonly accumulator: unknown
  readonly values: readonly unknown[]
  readonly ever: readonly unknown[]
}

/** Written to the state store, and read again. */
export function stored(aggregator: AggregatorOf<unknown, unknown>, accumulator: unknown): unknown {
  const { state } = aggregator
  const writer = new ValueWriter()
  writer.writeValue(state === null ? accumulator : state.toState(accumulator))
  const read = new ValueReader(writer.bytes()).readValue()
  return state === null ? read : state.fromState(read)
}

/** All values, one after the other. */
export function folded(
  aggregator: AggregatorOf<unknown, unknown>,
  values: readonly unknown[],
  from: unknown = aggregator.init(),
): unknown {
  return values.reduce((to: unknown, value) => aggregator.add(to, aggregator.extract(value)), from)
}

export function resultOf(
  aggregator: AggregatorOf<unknown, unknown>,
  values: readonly unknown[],
): unknown {
  return aggregator.result(folded(aggregator, values))
}

/** Makes the moves, and compares after each. @throws where a result is not the model's */
export function play(subject: Subject, moves: readonly Move[]): void {
  const { aggregator } = subject
  const parts: Part[] = [{ accumulator: aggregator.init(), values: [], ever: [] }]
  for (const move of moves) {
    const last = parts.pop() as Part
    if (move.do === 'restore') {
      parts.push({ ...last, accumulator: stored(aggregator, last.accumulator) })
    } else if (move.do === 'split') {
      parts.push(last, { accumulator: aggregator.init(), values: [], ever: [] })
    } else if (move.do === 'join') {
      const before = parts.pop()
      parts.push(before === undefined ? last : joined(subject, before, last, move.values))
    } else if (move.do === 'undo') {
      const dropped = move.changes.reduce((part, change) => changed(subject, part, change), last)
      checkPart(subject, dropped)
      parts.push(last)
    } else parts.push(changed(subject, last, move))
    checkPart(subject, parts.at(-1) as Part)
  }
  const end = parts.reduce((first, second) => joined(subject, first, second, []))
  checkPart(subject, end)
  if (aggregator.retract === null) return
  // All leave again, one by one, oldest first; what is left in between is checked.
  let rest = end
  while (rest.values.length > 1) {
    rest = changed(subject, rest, { do: 'retract', pick: 0 })
    checkPart(subject, rest)
  }
}

function changed(subject: Subject, part: Part, change: Change): Part {
  const { aggregator } = subject
  const { accumulator, values, ever } = part
  if (change.do === 'add') {
    const next = aggregator.add(accumulator, aggregator.extract(change.value))
    return {
      accumulator: next,
      values: [...values, change.value],
      ever: [...ever, change.value],
    }
  }
  if (values.length === 0) return part
  const { retract } = aggregator
  ok(retract !== null)
  const value = values[change.pick % values.length]
  const isSame = subject.isSame ?? isDeepStrictEqual
  const at = values.findIndex((other) => isSame(other, value))
  return {
    accumulator: retract(accumulator, aggregator.extract(value)),
    values: values.toSpliced(at, 1),
    ever,
  }
}

function joined(subject: Subject, first: Part, second: Part, spoiling: readonly unknown[]): Part {
  const { aggregator } = subject
  const { merge } = aggregator
  ok(merge !== null)
  const both: Part = {
    accumulator: merge(first.accumulator, second.accumulator),
    values: [...first.values, ...second.values],
    ever: [...first.ever, ...second.ever],
  }
  // Nothing that happens to one of the three is felt by another.
  const spoil = (part: Part): Part =>
    spoiling.reduce<Part>((to, value) => changed(subject, to, { do: 'add', value }), part)
  const spoilt = [first, second, both].map(spoil)
  for (const part of [first, second, both, ...spoilt]) checkPart(subject, part)
  return both
}

function checkPart({ aggregator, model, check }: Subject, part: Part): void {
  if (part.values.length === 0) return
  const result = aggregator.result(part.accumulator)
  if (check === undefined) deepStrictEqual(result, model(part.values))
  else check(result, part.values, part.ever)
}
