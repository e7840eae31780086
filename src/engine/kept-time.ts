/**
 * Event time as part of a task's committed state: the watermark, how far each input has come, how
 * long it has been quiet, and the marks read from repartition topics. So it never goes back, also
 * over a restart, and an input that was idle is idle, so that those that are not go on alone.
 */
import type { Cursor } from './cursor.ts'
import type { StateSet } from './state/state-set.ts'
import type { Store } from './state/store.ts'
import type { Watermark } from './watermark.ts'

export class KeptTime {
  readonly #state: StateSet
  readonly #store: Store
  readonly #watermark: Watermark
  readonly #isNeeded: boolean
  /** Times of the keys of inputs that have such. */
  readonly #keys: Map<Cursor, Store> = new Map()

  /** @param isNeeded whether anything here or behind a repartition topic goes by event time */
  constructor(state: StateSet, watermark: Watermark, isNeeded: boolean) {
    this.#isNeeded = isNeeded
    this.#state = state
    this.#store = state.store({ name: '#time', toState: same, fromState: same })
    this.#watermark = watermark
  }

  /** To be called once, before anything is restored. */
  declare(cursors: readonly Cursor[]): void {
    for (const cursor of cursors) {
      if (cursor.keyClock === null) continue
      const name = `#time/${placeOf(cursor)}`
      this.#keys.set(cursor, this.#state.store({ name, toState: same, fromState: same }))
    }
  }

  /** Writes what has moved into the state, for the commit that follows. */
  keep(cursors: readonly Cursor[]): void {
    if (!this.#isNeeded) return
    this.#set('watermark', this.#watermark.currentMs)
    for (const cursor of cursors) {
      const place = placeOf(cursor)
      this.#set(`reached ${place}`, cursor.clock.reachedMs)
      this.#keepKeys(cursor)
      // Of a repartition topic the marks say it.
      if (cursor.marks === null) this.#set(`quiet ${place}`, cursor.clock.quietMs)
      for (const mark of cursor.marks ?? []) {
        if (mark === null) continue
        const { task, idle, watermarkMs } = mark
        this.#set(`mark ${place} ${task}`, idle ? `idle ${watermarkMs}` : watermarkMs)
      }
    }
  }

  #keepKeys(cursor: Cursor): void {
    const store = this.#keys.get(cursor)
    cursor.keyClock?.takeChanges((key, latestMs) => {
      if (latestMs === null) store?.delete(key)
      else store?.set(key, latestMs)
    })
  }

  #restoreKeys(cursor: Cursor): void {
    for (const { key, value } of this.#keys.get(cursor)?.namespaces.get(0)?.entries.values() ?? [])
      if (typeof value === 'number') cursor.keyClock?.restore(key, value)
  }

  /** Puts back what the state holds. Once, before the first record. */
  restore(cursors: readonly Cursor[]): void {
    const saved = this.#store.get('watermark')
    if (typeof saved === 'number') this.#watermark.currentMs = saved
    for (const cursor of cursors) {
      const reached = this.#store.get(`reached ${placeOf(cursor)}`)
      if (typeof reached === 'number') cursor.clock.reachedMs = reached
      const quietMs = this.#store.get(`quiet ${placeOf(cursor)}`)
      if (typeof quietMs === 'number') cursor.clock.restoreQuiet(quietMs)
      this.#restoreMarks(cursor)
      this.#restoreKeys(cursor)
    }
  }

  #restoreMarks(cursor: Cursor): void {
    const marks = cursor.marks ?? []
    for (let task = 0; task < marks.length; task++) {
      const saved = this.#store.get(`mark ${placeOf(cursor)} ${task}`)
      if (saved === undefined) continue
      const idle = typeof saved === 'string'
      marks[task] = { task, watermarkMs: Number(idle ? saved.slice('idle '.length) : saved), idle }
    }
    if (marks.length > 0) cursor.clock.idle = marks.every((mark) => mark?.idle === true)
  }

  #set(name: string, value: number | string): void {
    if (this.#store.get(name) !== value) this.#store.set(name, value)
  }
}

function placeOf(cursor: Cursor): string {
  return `${cursor.place.topic}/${cursor.place.partition}`
}

function same(value: unknown): unknown {
  return value
}
