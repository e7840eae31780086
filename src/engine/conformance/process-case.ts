/**
 * Random programs of a `process` step: what its handlers do comes with the records, and for timers
 * from a table by their name.
 */
import fc from 'fast-check'
import type { Key } from '../../core/key.ts'
import type { TimerKind } from '../../pipeline/process.ts'

/** One thing that a handler does. */
export type Act =
  | { readonly do: 'add'; readonly by: number }
  | { readonly do: 'put'; readonly entry: number; readonly value: number }
  | { readonly do: 'remove'; readonly entry: number }
  | { readonly do: 'push'; readonly value: number }
  | { readonly do: 'replace'; readonly count: number }
  | { readonly do: 'clear'; readonly what: 'value' | 'map' | 'list' | 'all' }
  | {
      readonly do: 'timer'
      readonly kind: TimerKind
      readonly name: string
      /** From the time in hand: may be past. */
      readonly afterMs: number
    }
  | { readonly do: 'cancel'; readonly kind: TimerKind; readonly name: string }
  /** Emits all state of the key, and the times of its timers. */
  | { readonly do: 'show' }
  | { readonly do: 'alert' }
  | { readonly do: 'throw' }

export type Move =
  | {
      readonly do: 'record'
      readonly key: Key
      /** From the watermark: may be late. */
      readonly afterMs: number
      readonly acts: readonly Act[]
    }
  | { readonly do: 'advance'; readonly byMs: number }
  | { readonly do: 'clock'; readonly byMs: number }
  | { readonly do: 'commit' | 'restart' | 'crash' }

export interface ProcessCase {
  /** Times to live, ms: of the step, and of the states; null: for ever; undefined: the step's. */
  readonly ttlMs: number | null
  readonly ttls: readonly [Ttl, Ttl, Ttl]
  readonly moves: readonly Move[]
  /** What is done for a timer, by its name. */
  readonly timers: Readonly<Record<string, readonly Act[]>>
}
type Ttl = number | null | undefined

export const timerNames = ['', 'a', 'b'] as const
const keys: readonly Key[] = ['x', 'y', 7]

const kind = fc.constantFrom<TimerKind>('event', 'event', 'processing')
const name = fc.constantFrom(...timerNames)
const small = fc.integer({ min: 0, max: 4 })

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), by: small }),
  fc.record({ do: fc.constant('put' as const), entry: small, value: small }),
  fc.record({ do: fc.constant('remove' as const), entry: small }),
  fc.record({ do: fc.constant('push' as const), value: small }),
  fc.record({ do: fc.constant('replace' as const), count: fc.integer({ min: 0, max: 70 }) }),
  fc.record({
    do: fc.constant('clear' as const),
    what: fc.constantFrom('value' as const, 'map' as const, 'list' as const, 'all' as const),
  }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('timer' as const),
      kind,
      name,
      afterMs: fc.integer({ min: -3, max: 12 }),
    }),
  },
  fc.record({ do: fc.constant('cancel' as const), kind, name }),
  { weight: 4, arbitrary: fc.constant<Act>({ do: 'show' }) },
  fc.constant<Act>({ do: 'alert' }),
)

/** Sometimes what was done before is to be undone. */
const acts = fc
  .tuple(fc.array(act, { maxLength: 5, size: 'max' }), fc.integer({ min: 0, max: 7 }))
  .map(([list, dice]): Act[] => (dice === 0 ? [...list, { do: 'throw' }] : list))

/**
 * What timers do, without end where they may: one that sets a timer for a time that has come would
 * go on until it is stopped.
 */
const timerActs = acts.map((list) => {
  return list.map((one): Act => {
    return one.do === 'timer' ? { ...one, afterMs: Math.max(one.afterMs, 2) } : one
  })
})

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      key: fc.constantFrom(...keys),
      afterMs: fc.integer({ min: -6, max: 10 }),
      acts,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      byMs: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      byMs: fc.integer({ min: 0, max: 9 }),
    }),
  },
  fc.constant<Move>({ do: 'commit' }),
  fc.constant<Move>({ do: 'restart' }),
  fc.constant<Move>({ do: 'crash' }),
)

const ttl = fc.constantFrom<Ttl>(undefined, undefined, null, 3, 8)

export const processCaseArbitrary: fc.Arbitrary<ProcessCase> = fc.record({
  ttlMs: fc.constantFrom(null, 5, 11),
  ttls: fc.tuple(ttl, ttl, ttl),
  moves: fc.array(move, { minLength: 5, maxLength: 60, size: 'max' }),
  timers: fc.record({ '': timerActs, a: timerActs, b: timerActs }),
})
