/**
 * Values by key and event time: which one was valid at a time t is the newest with a time ≤ t. Of
 * equal times the one that came last.
 *
 * Versions lie in buckets of event time: namespace = bucket, key → versions in order of time. A
 * bucket is settled when nobody will ask for a time before its last one any more: then the newest
 * version of each key is all that counts. It goes to a base of one version a key where values are
 * valid until the next one (`'next'`), else it stays, alone, until it is too old for all to come.
 *
 * A version list is persistent: a count over arrays that it shares with those before it (as
 * `collect` does it); one that comes out of order copies them.
 */
import type { Key } from '../../core/key.ts'
import { TimeHeap } from '../time-heap.ts'
import type { StoreMaker } from './row-lists.ts'
import { absent } from './store.ts'
import type { Entry, Store } from './store.ts'

interface VersionList {
  readonly times: number[]
  readonly values: unknown[]
  readonly count: number
}

export interface Version {
  readonly timeMs: number
  readonly value: unknown
}

export interface VersionsOptions {
  readonly bucketMs: number
  /** How long a value is valid: until the next one, or so many ms. */
  readonly validMs: number | 'next'
}

export class Versions {
  /** What `find` found last. */
  foundMs = 0
  found: unknown = null
  readonly #bucketMs: number
  readonly #validMs: number
  readonly #store: Store
  /** null: values are valid for some time only. */
  readonly #base: Store | null
  /** Buckets that may hold versions, in order. */
  readonly #buckets: number[] = []
  /** Those of them that are not settled, and those that are, but are still valid. */
  readonly #open = new TimeHeap()
  readonly #settled = new TimeHeap()
  /** Times before it are settled. */
  #settledBeforeMs = Number.NEGATIVE_INFINITY

  /** Makes the store `<part>`, and `<part>-base` where values are valid until the next one. */
  constructor(context: StoreMaker, part: string, options: VersionsOptions) {
    const { bucketMs, validMs } = options
    this.#bucketMs = bucketMs
    this.#validMs = validMs === 'next' ? Number.POSITIVE_INFINITY : validMs
    const form = { toState: listState, fromState: stateList }
    this.#store = context.store({ part, ...form })
    this.#base = validMs === 'next' ? context.store({ part: `${part}-base`, ...form }) : null
  }

  /** To be called when the stores are filled. @param settledMs as `settle` was given it last */
  onRestored(settledMs: number): void {
    this.#settledBeforeMs = this.#boundaryOf(settledMs)
    for (const bucket of this.#store.namespaces.keys()) this.#declare(bucket)
  }

  /**
   * Adds a version. The caller has found that it counts, if its time is before `beforeMs`.
   * @param version its value; null, where values are valid until the next one: deleted
   * @param beforeMs as `settle` would be given it now
   */
  add(key: Key, { timeMs, value }: Version, beforeMs: number): void {
    // Nothing was due up to there, or it would have been settled.
    this.#settledBeforeMs = Math.max(this.#settledBeforeMs, this.#boundaryOf(beforeMs))
    if (this.#base !== null && timeMs < this.#settledBeforeMs) {
      if (value === null) this.#base.delete(key)
      else this.#base.set(key, listOf(timeMs, value))
      return
    }
    const bucket = Math.floor(timeMs / this.#bucketMs)
    const known = this.#store.namespaces.get(bucket)
    const space = known ?? this.#store.namespace(bucket)
    if (known === undefined) this.#declare(bucket)
    const entry = this.#store.find(space, key)
    if (entry === undefined) this.#store.make(space, key, listOf(timeMs, value))
    else if (entry.value === absent) this.#store.write(entry, listOf(timeMs, value))
    else this.#store.write(entry, withVersion(entry.value as VersionList, timeMs, value))
  }

  /** Finds the version valid at a time that is not settled. */
  find(key: Key, atMs: number): 'found' | 'none' {
    const oldestMs = atMs - this.#validMs
    const bucket = Math.floor(atMs / this.#bucketMs)
    for (let i = this.#placeOf(bucket + 1) - 1; i >= 0; i--) {
      const each = this.#buckets[i] as number
      if ((each + 1) * this.#bucketMs <= oldestMs) return 'none'
      const space = this.#store.namespaces.get(each)
      const entry = space === undefined ? undefined : this.#store.find(space, key)
      if (entry === undefined || entry.value === absent) continue
      const { times, values, count } = entry.value as VersionList
      const at = countUpTo(times, count, atMs) - 1
      if (at < 0) continue
      this.foundMs = times[at] as number
      this.found = values[at]
      return this.foundMs < oldestMs ? 'none' : 'found'
    }
    return this.#findBase(key, atMs)
  }

  /** Times before `beforeMs` will not be asked for any more. Between records only. */
  settle(beforeMs: number): void {
    this.#settledBeforeMs = Math.max(this.#settledBeforeMs, this.#boundaryOf(beforeMs))
    while ((this.#open.least + 1) * this.#bucketMs <= this.#settledBeforeMs) {
      const bucket = this.#open.take()
      if (this.#base === null) this.#compact(bucket)
      else this.#moveToBase(bucket, this.#base)
    }
    while (this.#settled.least * this.#bucketMs + this.#lastingMs <= beforeMs) {
      this.#drop(this.#settled.take())
    }
  }

  /** Least `beforeMs` at which `settle` has something to do; Infinity when none. */
  settleDueMs(): number {
    const openMs = (this.#open.least + 1) * this.#bucketMs - 1
    return Math.min(openMs, this.#settled.least * this.#bucketMs + this.#lastingMs)
  }

  /** From the start of a bucket until its last value is valid no longer. */
  get #lastingMs(): number {
    return this.#bucketMs + this.#validMs
  }

  /**
   * Start of the bucket that is not settled yet. A version at its last ms is valid for those that
   * ask at that ms, and nothing older is.
   */
  #boundaryOf(beforeMs: number): number {
    if (beforeMs === Number.NEGATIVE_INFINITY) return beforeMs
    return Math.floor((beforeMs + 1) / this.#bucketMs) * this.#bucketMs
  }

  #findBase(key: Key, atMs: number): 'found' | 'none' {
    const list = this.#base?.get(key) as VersionList | undefined
    const [timeMs = Number.POSITIVE_INFINITY] = list?.times ?? []
    if (list === undefined || timeMs > atMs) return 'none'
    this.foundMs = timeMs
    this.found = list.values[0]
    return 'found'
  }

  #declare(bucket: number): void {
    this.#buckets.splice(this.#placeOf(bucket), 0, bucket)
    if ((bucket + 1) * this.#bucketMs > this.#settledBeforeMs) this.#open.add(bucket)
    else this.#settled.add(bucket)
  }

  #moveToBase(bucket: number, base: Store): void {
    for (const entry of this.#entriesOf(bucket)) {
      const { times, values, count } = entry.value as VersionList
      const newest = values[count - 1]
      // A key that is not there needs no version to say so.
      if (newest === null) base.delete(entry.key)
      else base.set(entry.key, listOf(times[count - 1] as number, newest))
    }
    this.#drop(bucket)
  }

  #compact(bucket: number): void {
    for (const entry of this.#entriesOf(bucket)) {
      const { times, values, count } = entry.value as VersionList
      if (count === 1) continue
      this.#store.write(entry, listOf(times[count - 1] as number, values[count - 1]))
    }
    this.#settled.add(bucket)
  }

  *#entriesOf(bucket: number): IterableIterator<Entry> {
    for (const entry of this.#store.namespaces.get(bucket)?.entries.values() ?? []) {
      if (entry.value !== absent) yield entry
    }
  }

  #drop(bucket: number): void {
    const at = this.#placeOf(bucket)
    if (this.#buckets[at] === bucket) this.#buckets.splice(at, 1)
    this.#store.drop(bucket)
  }

  /** Place of the first bucket from this one on. Most come at the end. */
  #placeOf(bucket: number): number {
    return countUpTo(this.#buckets, this.#buckets.length, bucket - 1)
  }
}

/** How many of the first `count` numbers, which are in order, are at most `most`. */
function countUpTo(numbers: readonly number[], count: number, most: number): number {
  if (count === 0 || (numbers[count - 1] as number) <= most) return count
  let low = 0
  let high = count - 1 // that one is larger
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] as number) <= most) low = middle + 1
    else high = middle
  }
  return low
}

function listOf(timeMs: number, value: unknown): VersionList {
  return { times: [timeMs], values: [value], count: 1 }
}

function withVersion(list: VersionList, timeMs: number, value: unknown): VersionList {
  const { times, values, count } = list
  if (timeMs > (times[count - 1] as number)) {
    if (times.length > count) {
      times.length = count // left by a record that was undone
      values.length = count
    }
    times.push(timeMs)
    values.push(value)
    return { times, values, count: count + 1 }
  }
  const at = countUpTo(times, count, timeMs)
  const replaced = at > 0 && times[at - 1] === timeMs ? 1 : 0
  return {
    times: times.slice(0, count).toSpliced(at - replaced, replaced, timeMs),
    values: values.slice(0, count).toSpliced(at - replaced, replaced, value),
    count: count + 1 - replaced,
  }
}

/** As it is written: time, value, time, value, … */
function listState(value: unknown): unknown[] {
  const { times, values, count } = value as VersionList
  const all: unknown[] = []
  for (let i = 0; i < count; i++) all.push(times[i], values[i])
  return all
}

function stateList(state: unknown): VersionList {
  const times: number[] = []
  const values: unknown[] = []
  for (const [i, each] of (state as unknown[]).entries()) {
    if (i % 2 === 0) times.push(each as number)
    else values.push(each)
  }
  return { times, values, count: times.length }
}
