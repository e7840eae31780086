/** The states of one `process` step: their stores, and the handles that user code works with. */
import type { KeyedStateSpec } from '../../pipeline/process-spec.ts'
import type { ValueState } from '../../pipeline/process-state.ts'
import type { StepContext } from '../operators/operator.ts'
import { absent } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { unchanged } from '../state/unchanged.ts'
import { Collections, fromSizeState, toSizeState } from './collections.ts'
import type { InHand } from './in-hand.ts'
import { KeyExpiry } from './key-expiry.ts'
import type { KeyedState } from './keyed-state.ts'
import { fromChunkState, ListHandle, toChunkState } from './list-handle.ts'
import { MapHandle } from './map-handle.ts'

class ValueHandle implements ValueState<unknown, unknown> {
  readonly #values: Store
  readonly #hand: InHand
  readonly #initial: unknown

  constructor(values: Store, hand: InHand, initial: unknown) {
    this.#values = values
    this.#hand = hand
    this.#initial = initial
  }

  get(): unknown {
    const entry = this.#values.find(this.#values.namespace(0), this.#hand.key)
    return entry === undefined || entry.value === absent ? this.#initial : entry.value
  }

  set(value: unknown): void {
    this.#values.set(this.#hand.key, value)
  }

  has(): boolean {
    const entry = this.#values.find(this.#values.namespace(0), this.#hand.key)
    return entry !== undefined && entry.value !== absent
  }

  clear(): void {
    this.#values.delete(this.#hand.key)
  }
}

function partOf({ kind, name }: KeyedStateSpec): string {
  return `${kind}/${name}`
}

/** What drops states that have a time to live: all together where that is the step's. */
export function expiries(
  specs: readonly KeyedStateSpec[],
  states: readonly KeyedState[],
  context: StepContext,
): KeyExpiry[] {
  const made: KeyExpiry[] = []
  const add = (part: string, ttlMs: number, of: readonly KeyedState[]): void => {
    const seen = context.store({ part, toState: unchanged, fromState: unchanged })
    made.push(new KeyExpiry(seen, ttlMs, of))
  }
  const shared = specs.find((spec) => spec.ttlOf === 'step')?.ttlMs ?? null
  if (shared !== null)
    add(
      'seen',
      shared,
      states.filter((_, i) => specs[i]?.ttlOf === 'step'),
    )
  for (const [i, spec] of specs.entries()) {
    if (spec.ttlOf === 'step' || spec.ttlMs === null) continue
    add(`${partOf(spec)}/seen`, spec.ttlMs, [states[i] as KeyedState])
  }
  return made
}

/**
 * The kind is part of the store's name: a state that becomes one of another kind begins anew, and
 * is not read as what it is not.
 */
export function keyedState(spec: KeyedStateSpec, context: StepContext, hand: InHand): KeyedState {
  const { name, kind, initial } = spec
  const part = partOf(spec)
  if (kind === 'value') {
    const values = context.store({ part, toState: unchanged, fromState: unchanged })
    const handle = new ValueHandle(values, hand, initial)
    return { name, handle, drop: (key) => values.delete(key), collections: null }
  }
  const elements =
    kind === 'map'
      ? context.store({ part, toState: unchanged, fromState: unchanged })
      : context.store({ part, toState: toChunkState, fromState: fromChunkState })
  const sizes = { part: `${part}/size`, toState: toSizeState, fromState: fromSizeState }
  const collections = new Collections(elements, context.store(sizes))
  const handle =
    kind === 'map' ? new MapHandle(collections, hand) : new ListHandle(collections, hand)
  return { name, handle, drop: (key) => collections.drop(key), collections }
}
