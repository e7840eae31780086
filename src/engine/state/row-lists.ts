/**
 * Lists of rows by namespace and key, in order of arrival: what joins keep. Adding a row costs
 * O(1), and a commit packs the chunks that changed only, however many rows a key has.
 *
 * A key's newest up to `chunkRows` rows are its head, in one store; when it is full, it goes to a
 * second store under its number. A chunk is persistent: a count over arrays that it shares with
 * those before it, so that a record can be undone (as `collect` does it). Each row has a number
 * that rows are looked up by, usually its event time, and can be marked once. The head knows the
 * span of numbers of its full chunks: a look-up opens those that can hold what it looks for.
 */
import type { Key } from '../../core/key.ts'
import { stateKey } from '../../core/key.ts'
import { absent } from './store.ts'
import type { Entry, Namespace, Store, StoreSpec } from './store.ts'

/**
 * Rows of a chunk: what a commit packs again for one new row, against the spans that a look-up in a
 * key with many rows goes through.
 */
export const chunkRows = 128

interface Chunk {
  /** Shared with the chunks before and after a change: `count` of them count. */
  readonly rows: unknown[]
  readonly numbers: number[]
  readonly count: number
  /** Least and largest of the numbers. */
  readonly least: number
  readonly most: number
  /** 1 for each row that is marked; null: none is. Never changed in place. */
  readonly marks: Uint8Array | null
  /** Of a head: full chunks before it. */
  readonly full: number
  /** Least and most of each `group` full chunks; at most `spansMax`. Never changed in place. */
  readonly spans: readonly number[]
  readonly group: number
}

/** What a head holds beside its rows; beyond, a span covers more chunks. */
const spansMax = 256

/** What a look-up is for: all rows, all and they are marked, or those without mark. */
export type Look = 'all' | 'mark' | 'unmarked'

/** Rows that were found, in the order of their chunks. Used again and again. */
export class FoundRows {
  readonly rows: unknown[] = []
  readonly numbers: number[] = []
  count = 0

  clear(): void {
    this.count = 0
  }

  add(row: unknown, number: number): void {
    this.rows[this.count] = row
    this.numbers[this.count] = number
    this.count += 1
  }

  /** By number, equal ones as they were found. Where they are in order already, it costs a look. */
  sort(): void {
    const { numbers, rows, count } = this
    let isSorted = true
    for (let i = 1; i < count && isSorted; i++) {
      isSorted = (numbers[i - 1] as number) <= (numbers[i] as number)
    }
    if (isSorted) return
    const order = Array.from({ length: count }, (_, i) => i)
    const sortedNumbers = numbers.slice(0, count)
    const sortedRows = rows.slice(0, count)
    order.sort((a, b) => (sortedNumbers[a] as number) - (sortedNumbers[b] as number))
    for (const [at, from] of order.entries()) {
      numbers[at] = sortedNumbers[from] as number
      rows[at] = sortedRows[from]
    }
  }

  /** Lets go of what is held beyond a look-up that found much. */
  release(): void {
    if (this.rows.length <= releasedRows) return
    this.rows.length = 0
    this.numbers.length = 0
    this.count = 0
  }
}

const releasedRows = 4096

/** Where stores come from: the context of a step. */
export interface StoreMaker {
  store(spec: Omit<StoreSpec, 'name'> & { part?: string }): Store
}

export class RowLists {
  readonly #heads: Store
  readonly #full: Store

  /** Makes the stores `<part>` and `<part>-full`. */
  constructor(context: StoreMaker, part: string) {
    const form = { toState: chunkState, fromState: stateChunk }
    this.#heads = context.store({ part, ...form })
    this.#full = context.store({ part: `${part}-full`, ...form })
  }

  /** Ids of the namespaces that may hold rows. */
  get namespaces(): ReadonlyMap<number, Namespace> {
    return this.#heads.namespaces
  }

  /** @returns `opened` where the namespace was not there before */
  add(id: number, key: Key, row: unknown, number: number): 'opened' | 'added' {
    const known = this.#heads.namespaces.get(id)
    const space = known ?? this.#heads.namespace(id)
    const entry = this.#heads.find(space, key)
    if (entry === undefined) this.#heads.make(space, key, chunkOf(row, number))
    else if (entry.value === absent) this.#heads.write(entry, chunkOf(row, number))
    else this.#grow(entry, row, number)
    return known === undefined ? 'opened' : 'added'
  }

  /** Finds a key's rows with numbers in [from, to]; in order of arrival where those are times. */
  find(id: number, key: Key, range: Range, look: Look, found: FoundRows): void {
    const space = this.#heads.namespaces.get(id)
    const entry = space === undefined ? undefined : this.#heads.find(space, key)
    if (entry === undefined || entry.value === absent) return
    const head = entry.value as Chunk
    if (head.full > 0) this.#findInFull(id, key, head, { range, look, found })
    this.#findIn(this.#heads, entry, { range, look, found })
  }

  /** Keys of a namespace, as they come. */
  *keys(id: number): IterableIterator<Key> {
    for (const { key, value } of this.#heads.namespaces.get(id)?.entries.values() ?? []) {
      if (value !== absent) yield key
    }
  }

  /** Removes a namespace with all its rows. Between records only. */
  drop(id: number): void {
    this.#heads.drop(id)
    this.#full.drop(id)
  }

  #grow(entry: Entry, row: unknown, number: number): void {
    const head = entry.value as Chunk
    const { rows, numbers, count, full, spans, group } = head
    if (count === chunkRows) {
      const chunk: Chunk = { ...head, full: 0, spans: [], group: 1 }
      this.#full.set([full, stateKey(entry.key)], chunk, entry.namespace.id)
      this.#heads.write(entry, { ...chunkOf(row, number), full: full + 1, ...withSpan(head) })
      return
    }
    if (rows.length > count) {
      rows.length = count // left by a record that was undone
      numbers.length = count
    }
    rows.push(row)
    numbers.push(number)
    this.#heads.write(entry, {
      rows,
      numbers,
      count: count + 1,
      least: Math.min(head.least, number),
      most: Math.max(head.most, number),
      marks: head.marks,
      full,
      spans,
      group,
    })
  }

  #findInFull(id: number, key: Key, { full, spans, group }: Chunk, search: Search): void {
    const space = this.#full.namespaces.get(id)
    if (space === undefined) return
    const { from, to } = search.range
    const state = stateKey(key)
    for (let i = 0; i < full; i++) {
      const span = 2 * Math.floor(i / group)
      if ((spans[span] as number) > to || (spans[span + 1] as number) < from) {
        i += group - (i % group) - 1
        continue
      }
      const chunk = this.#full.find(space, [i, state])
      if (chunk !== undefined && chunk.value !== absent) this.#findIn(this.#full, chunk, search)
    }
  }

  #findIn(store: Store, entry: Entry, { range: { from, to }, look, found }: Search): void {
    const chunk = entry.value as Chunk
    if (chunk.least > to || chunk.most < from) return
    const { rows, numbers, count, marks } = chunk
    let marked: Uint8Array | null = null
    for (let i = 0; i < count; i++) {
      const number = numbers[i] as number
      if (number < from || number > to) continue
      if (look !== 'all') {
        const isMarked = marks !== null && marks[i] === 1
        if (look === 'unmarked' && isMarked) continue
        if (look === 'mark' && !isMarked) {
          marked ??= copyOf(marks, count)
          marked[i] = 1
        }
      }
      found.add(rows[i], number)
    }
    if (marked !== null) store.write(entry, { ...chunk, marks: marked })
  }

  /** Marks a key's newest row. */
  markNewest(id: number, key: Key): void {
    const space = this.#heads.namespace(id)
    const entry = this.#heads.find(space, key)
    if (entry === undefined || entry.value === absent) return
    const chunk = entry.value as Chunk
    const marks = copyOf(chunk.marks, chunk.count)
    marks[chunk.count - 1] = 1
    this.#heads.write(entry, { ...chunk, marks })
  }
}

/** Numbers from `from` to `to`, both included. */
export interface Range {
  from: number
  to: number
}

interface Search {
  readonly range: Range
  readonly look: Look
  readonly found: FoundRows
}

/** The spans of a head with its own, as it becomes a full chunk. */
function withSpan({ least, most, full, spans, group }: Chunk): Pick<Chunk, 'spans' | 'group'> {
  const next = full % group === 0 ? [...spans, least, most] : spans.slice()
  const last = next.length - 2
  next[last] = Math.min(least, next[last] as number)
  next[last + 1] = Math.max(most, next[last + 1] as number)
  if (next.length <= 2 * spansMax) return { spans: next, group }
  const halved: number[] = []
  for (let i = 0; i < next.length; i += 4) {
    const other = i + 2 < next.length ? i + 2 : i
    halved.push(Math.min(next[i] as number, next[other] as number))
    halved.push(Math.max(next[i + 1] as number, next[other + 1] as number))
  }
  return { spans: halved, group: group * 2 }
}

function copyOf(marks: Uint8Array | null, count: number): Uint8Array {
  const copy = new Uint8Array(count)
  if (marks !== null) copy.set(marks)
  return copy
}

function chunkOf(row: unknown, number: number): Chunk {
  return {
    rows: [row],
    numbers: [number],
    count: 1,
    least: number,
    most: number,
    marks: null,
    full: 0,
    spans: [],
    group: 1,
  }
}

/**
 * As it is written: number, row, number, row, …; where there is more to say, marks, full chunks,
 * their spans and groups come before it. Marks are no number: that tells the two apart.
 */
function chunkState(value: unknown): unknown[] {
  const { rows, numbers, count, marks, full, spans, group } = value as Chunk
  const state: unknown[] = marks === null && full === 0 ? [] : [marks, full, spans, group]
  for (let i = 0; i < count; i++) state.push(numbers[i], rows[i])
  return state
}

type Head = [Chunk['marks'], number, readonly number[], number]

function stateChunk(given: unknown): Chunk {
  const state = given as unknown[]
  const isPlain = typeof state[0] === 'number'
  const numbers: number[] = []
  const rows: unknown[] = []
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let i = isPlain ? 0 : 4; i < state.length; i += 2) {
    const number = state[i] as number
    numbers.push(number)
    rows.push(state[i + 1])
    least = Math.min(least, number)
    most = Math.max(most, number)
  }
  const [marks, full, spans, group]: Head = isPlain ? [null, 0, [], 1] : (state.slice(0, 4) as Head)
  return { rows, numbers, count: rows.length, least, most, marks, full, spans, group }
}
