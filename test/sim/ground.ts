/**
 * What the parts of a random plan share.
 */
import type { Key, Pipeline, Stream } from '../../src/index.ts'
import type { Dice } from './dice.ts'
import type { Item } from './item.ts'
import type { Source, SourceKind } from './source.ts'

/**
 * What is known of the order of a stream's records, which decides what may follow.
 * - `ordered`: always the same within a task.
 * - `timed`: those of a key may come in any order, but no two that came from different partitions
 *   have the same event time.
 * - `loose`: any order, and equal event times.
 */
export type Order = 'ordered' | 'timed' | 'loose'

/** A function that gives records a key, with its text. */
export interface KeyFunction {
  readonly text: string
  readonly of: (item: Item) => Key
}

export interface Grown {
  readonly name: string
  readonly stream: Stream<Item, Key>
  readonly order: Order
  /** Steps by key may follow. */
  readonly isKeyed: boolean
  /** What gave its records their key; null: their topic. */
  readonly keyBy: KeyFunction | null
  /** No two records of it have the same event time, but those that come of one record. */
  readonly isTimed: boolean
  /** Its records have passed a repartition topic since they got their key. */
  readonly hasMoved: boolean
  /** When its records come depends on when calls are answered: they meet no others then. */
  readonly isAsync: boolean
  /**
   * Some have come with a row that was cached, others with an answer: the first are one thing with
   * the record they come from, and are undone with all that it did.
   */
  readonly isCached: boolean
  /** Some of its records come when event time moves on: how many at once depends on how far. */
  readonly isTimeDriven: boolean
  /** Nothing may follow: only what it comes to in the end is always the same. */
  readonly isEnd: boolean
  /** About how many records. */
  readonly size: number
  /** Steps so far. */
  readonly depth: number
}

export interface Ground {
  readonly dice: Dice
  readonly tasks: 'one' | 'per-partition'
  /** Nothing may depend on the wall clock. */
  readonly isClockFree: boolean
  /**
   * Event time stands still when all is read. Else it goes on with the clock, in steps of any size:
   * a process that was paused takes a large one. Then nothing may depend on where it stands when
   * something else happens.
   */
  readonly isStill: boolean
  /** The wall clock stands while all input is read. */
  readonly isAtOnce: boolean
  /**
   * Where event time stands while records come is not always the same: nothing may depend on what
   * comes first, a record or what event time brings.
   */
  readonly isWavering: boolean
  /** Names of what was used, for the count of how often. */
  readonly uses: Set<string>
  /** The plan as text. */
  readonly lines: string[]
  readonly outputs: Pipeline[]
  /** Those of the sources' records. */
  readonly keys: readonly Key[]
  /** A source of a kind: another one as a rule, where there are several. */
  source(kind: SourceKind): Source
  /** 1, 2, … */
  number(): number
}

/** Steps of one kind. */
export interface StepMaker {
  /** How often, beside others. */
  readonly weight: number
  may(from: Grown, ground: Ground): boolean
  grow(from: Grown, ground: Ground): Grown
}

/** Says a step, and gives it its name: `s3 = s1.map(…)`. */
export function say(ground: Ground, text: string): string {
  const name = `s${ground.number()}`
  ground.lines.push(`${name} = ${text}`)
  return name
}

/**
 * Whether a function may throw: the letter names the record in hand, and of those that make a
 * result together any may be the last one.
 */
export function mayThrow({ order, isCached }: Grown): boolean {
  return order !== 'loose' && !isCached
}

/**
 * A stream as a step by key gets it. With several tasks, records whose key is not that of their
 * topic come through a repartition topic, in any order of their partitions.
 */
export function grouped(from: Grown, ground: Ground): Grown {
  if (ground.tasks === 'one' || from.keyBy === null || from.hasMoved) return from
  return { ...from, order: from.isTimed ? 'timed' : 'loose', hasMoved: true }
}

/** What the order of a stream will be behind a step by key. */
export function orderBehind(from: Grown, ground: Ground): Order {
  return grouped(from, ground).order
}

/**
 * Whether what event time brings to a step comes in the same steps of time in each run. Behind a
 * call, event time waits for the answer, and then takes several steps at once.
 */
export function isStepwise(from: Grown, { isStill, isWavering }: Ground): boolean {
  if (!from.isTimeDriven) return isStill || !isWavering
  return isStill && !from.isAsync
}

/** A stream of one more step. */
export function grown(from: Grown, change: Partial<Grown>): Grown {
  return { ...from, depth: from.depth + 1, ...change }
}
