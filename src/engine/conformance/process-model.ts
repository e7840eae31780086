/**
 * What `process` is to do, in the plainest way: all state in one object that is copied before each
 * call, timers in a list that is searched, times to live looked up by going through all keys.
 */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { TimerKind } from '../../pipeline/process.ts'
import type { Act, ProcessCase } from './process-case.ts'
import { timerNames } from './process-case.ts'

interface ModelTimer {
  readonly kind: TimerKind
  readonly key: Key
  readonly name: string
  readonly timeMs: number
  readonly setMs: number
}

interface KeyState {
  readonly key: Key
  value: number | undefined
  map: [number, number][]
  list: number[]
  /** When a handler last ran, for each of value, map, list: forgotten with the state. */
  seenMs: [number | null, number | null, number | null]
}

interface Memory {
  keys: KeyState[]
  timers: ModelTimer[]
}

/** What a handler emits with `show`. */
export interface Shown {
  readonly value: number
  readonly map: readonly (readonly [number, number])[]
  readonly list: readonly number[]
  readonly timers: readonly (number | undefined)[]
  readonly watermark: number
  readonly now: number
}

export class ProcessModel {
  lines: string[] = []
  watermarkMs: number = Number.NEGATIVE_INFINITY
  nowMs = 0
  readonly #case: ProcessCase
  #memory: Memory = { keys: [], timers: [] }
  #committed = structuredClone({ memory: this.#memory, lines: this.lines, watermarkMs: -Infinity })

  constructor(one: ProcessCase) {
    this.#case = one
  }

  record(key: Key, timeMs: number, acts: readonly Act[]): void {
    const place = { key, timeMs, watermarkMs: this.watermarkMs, value: acts }
    this.#atomic(acts, place)
  }

  advance(watermarkMs: number): void {
    if (watermarkMs <= this.watermarkMs) return
    let reachedMs = this.watermarkMs
    for (;;) {
      const timer = this.#firstTimer('event')
      const expiryMs = this.#firstExpiryMs()
      if (Math.min(timer?.timeMs ?? Infinity, expiryMs) > watermarkMs) break
      if (timer !== null && timer.timeMs <= expiryMs) {
        reachedMs = Math.max(reachedMs, timer.timeMs)
        this.#fire(timer, reachedMs, reachedMs)
      } else this.#expire(expiryMs)
    }
    this.watermarkMs = watermarkMs
  }

  clock(nowMs: number): void {
    this.nowMs = nowMs
    for (;;) {
      const timer = this.#firstTimer('processing')
      if (timer === null || timer.timeMs > nowMs) return
      this.#fire(timer, Math.max(timer.setMs, this.watermarkMs), this.watermarkMs)
    }
  }

  commit(): void {
    const { lines, watermarkMs } = this
    this.#committed = structuredClone({ memory: this.#memory, lines, watermarkMs })
  }

  crash(): void {
    const { memory, lines, watermarkMs } = structuredClone(this.#committed)
    this.#memory = memory
    this.lines = lines
    this.watermarkMs = watermarkMs
  }

  #firstTimer(kind: TimerKind): ModelTimer | null {
    const due = this.#memory.timers.filter((timer) => timer.kind === kind)
    due.sort((a, b) => {
      return a.timeMs - b.timeMs || compareKeys(a.key, b.key) || (a.name < b.name ? -1 : 1)
    })
    return due[0] ?? null
  }

  #fire(timer: ModelTimer, timeMs: number, watermarkMs: number): void {
    this.#memory.timers = this.#memory.timers.filter((other) => other !== timer)
    const { kind, name, key } = timer
    const value = { kind, name, time: timer.timeMs }
    this.#atomic(this.#case.timers[name] ?? [], { key, timeMs, watermarkMs, value })
  }

  #ttlMs(state: number): number {
    const own = this.#case.ttls[state]
    return (own === undefined ? this.#case.ttlMs : own) ?? Infinity
  }

  #firstExpiryMs(): number {
    let least = Infinity
    for (const { seenMs } of this.#memory.keys) {
      for (const [i, ms] of seenMs.entries()) {
        if (ms !== null) least = Math.min(least, ms + this.#ttlMs(i))
      }
    }
    return least
  }

  #expire(atMs: number): void {
    for (const state of this.#memory.keys) {
      for (const [i, ms] of state.seenMs.entries()) {
        if (ms === null || ms + this.#ttlMs(i) > atMs) continue
        state.seenMs[i] = null
        if (i === 0) state.value = undefined
        if (i === 1) state.map = []
        if (i === 2) state.list = []
      }
    }
  }

  #atomic(
    acts: readonly Act[],
    place: { key: Key; timeMs: number; watermarkMs: number; value: unknown },
  ): void {
    const before = structuredClone(this.#memory)
    const mark = this.lines.length
    const { key, timeMs, value } = place
    const state = this.#stateOf(key)
    for (const i of [0, 1, 2]) state.seenMs[i] = Math.max(state.seenMs[i] ?? -Infinity, timeMs)
    for (const act of acts) {
      if (act.do === 'throw') {
        this.#memory = before
        this.lines.length = mark
        this.lines.push(noteLine('dead', value, key, timeMs))
        return
      }
      this.#act(act, state, place)
    }
  }

  #act(
    act: Exclude<Act, { do: 'throw' }>,
    state: KeyState,
    place: { timeMs: number; watermarkMs: number },
  ): void {
    const { key } = state
    const { timeMs } = place
    switch (act.do) {
      case 'add':
        state.value = (state.value ?? 0) + act.by
        return
      case 'put':
        state.map = state.map.filter(([entry]) => entry !== act.entry)
        state.map.push([act.entry, act.value])
        return
      case 'remove':
        state.map = state.map.filter(([entry]) => entry !== act.entry)
        return
      case 'push':
        state.list.push(act.value)
        return
      case 'replace':
        state.list = Array.from({ length: act.count }, (_, i) => i)
        return
      case 'clear':
        if (act.what === 'value' || act.what === 'all') state.value = undefined
        if (act.what === 'map' || act.what === 'all') state.map = []
        if (act.what === 'list' || act.what === 'all') state.list = []
        return
      case 'timer': {
        this.#cancel(act.kind, key, act.name)
        const from = act.kind === 'event' ? timeMs : this.nowMs
        const { kind, name, afterMs } = act
        this.#memory.timers.push({ kind, key, name, timeMs: from + afterMs, setMs: timeMs })
        return
      }
      case 'cancel':
        this.#cancel(act.kind, key, act.name)
        return
      case 'show':
        this.lines.push(noteLine('main', this.#shown(state, place.watermarkMs), key, timeMs))
        return
      case 'alert':
        this.lines.push(noteLine('alerts', state.list.length, key, timeMs))
    }
  }

  #cancel(kind: TimerKind, key: Key, name: string): void {
    this.#memory.timers = this.#memory.timers.filter((timer) => {
      return timer.kind !== kind || timer.key !== key || timer.name !== name
    })
  }

  #shown({ key, value, map, list }: KeyState, watermark: number): Shown {
    const timers = (['event', 'processing'] as const).flatMap((kind) =>
      timerNames.map((name) => {
        const { timers: all } = this.#memory
        return all.find((one) => one.kind === kind && one.key === key && one.name === name)?.timeMs
      }),
    )
    const sorted = map.toSorted(([a], [b]) => a - b)
    return { value: value ?? 0, map: sorted, list: [...list], timers, watermark, now: this.nowMs }
  }

  #stateOf(key: Key): KeyState {
    const found = this.#memory.keys.find((state) => state.key === key)
    if (found !== undefined) return found
    const made: KeyState = { key, value: undefined, map: [], list: [], seenMs: [null, null, null] }
    this.#memory.keys.push(made)
    return made
  }
}

export function noteLine(output: string, value: unknown, key: Key | null, timeMs: number): string {
  return `${output} ${String(key)}@${timeMs} ${JSON.stringify(value)}`
}
