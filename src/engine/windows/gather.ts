/** The values of a window's slices, put together by key. */
import { compareKeys, stateKey } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { Fold } from '../operators/fold.ts'
import { absent } from '../state/store.ts'
import type { LiveSlice } from './live-slices.ts'

/** Of one key. */
export interface Gathered {
  readonly key: Key
  /** Merged in order of time. */
  value: unknown
  /** What a user's function threw; null: nothing. */
  thrown: { readonly reason: unknown } | null
}

/**
 * @param before what a window near it gave: sorting is cheap where most keys are in both
 * @returns in order of key
 */
export function gather(
  slices: readonly LiveSlice[],
  before: readonly Gathered[],
  fold: Fold,
): readonly Gathered[] {
  const keys = new Map<string | number, Gathered>()
  for (const { key } of before) keys.set(stateKey(key), { key, value: absent, thrown: null })
  for (const { space } of slices) {
    for (const { key, value } of space?.entries.values() ?? []) {
      if (value === absent) continue
      const identity = stateKey(key)
      const known = keys.get(identity)
      if (known === undefined) keys.set(identity, { key, value, thrown: null })
      else if (known.value === absent) known.value = value
      else if (known.thrown === null) merge(known, value, fold)
    }
  }
  const gathered: Gathered[] = []
  for (const one of keys.values()) if (one.value !== absent) gathered.push(one)
  return gathered.sort(byKey)
}

function merge(known: Gathered, value: unknown, fold: Fold): void {
  try {
    known.value = fold.merge(known.value, value)
  } catch (reason) {
    known.thrown = { reason }
  }
}

const byKey = (a: Gathered, b: Gathered): number => compareKeys(a.key, b.key)
