/** What must come out of windows that follow a key's own records: plain lists, looked through. */
import type {
  CountWindow,
  GlobalWindow,
  SessionWindow,
  TrailingWindow,
} from '../../pipeline/window-spec.ts'
import type { TaskModel } from './task-model.ts'
import { byText, inOrder, WindowModel } from './window-model.ts'
import type { Given, Timed } from './window-model.ts'

interface ModelSession {
  readonly k: string
  records: Timed[]
  results: number
  isChanged: boolean
}

export class SessionModel extends WindowModel<SessionWindow> {
  #sessions: ModelSession[] = []

  lateEnd(k: string, t: number, reached: number): number | null {
    const { gapMs } = this.window
    if (this.#touching(k, t, reached).length > 0) return null
    return t + gapMs + 1 + this.tested.latenessMs <= reached ? t + gapMs : null
  }

  add(k: string, record: Timed, task: TaskModel): readonly Given[] {
    const reached = this.reached(task)
    const touching = this.#touching(k, record.t, reached)
    const merged: ModelSession = {
      k,
      records: [...touching.flatMap(({ records }) => records), record],
      results: Math.max(0, ...touching.map(({ results }) => results)),
      isChanged: true,
    }
    this.#sessions = [...this.#sessions.filter((one) => !touching.includes(one)), merged]
    if (this.#closeAt(merged) <= reached) {
      const revision = Math.max(merged.results, 1)
      merged.results = revision + 1
      return [this.#given(merged, 'late', revision)]
    }
    return this.tested.emission.kind === 'updates' ? [this.#given(merged, 'early', 0)] : []
  }

  close(reached: number, to: number): readonly Given[] {
    const due = this.#sessions.filter((one) => {
      return this.#closeAt(one) > reached && this.#closeAt(one) <= to
    })
    const given = due.map((one) => this.#given(one, 'final', one.results))
    for (const one of due) one.results += 1
    return inOrder(given)
  }

  flush(reached: number): readonly Given[] {
    const due = this.#sessions.filter((one) => one.isChanged && this.#closeAt(one) > reached)
    for (const one of this.#sessions) one.isChanged = false
    return inOrder(due.map((one) => this.#given(one, 'early', 0)))
  }

  snapshot(): unknown {
    return structuredClone(this.#sessions)
  }

  restore(snapshot: unknown): void {
    this.#sessions = snapshot as ModelSession[]
  }

  /** The first time at which no record can join. */
  #closeAt({ records }: ModelSession): number {
    return Math.max(...records.map(({ t }) => t)) + this.window.gapMs + 1
  }

  #touching(k: string, t: number, reached: number): ModelSession[] {
    return this.#sessions.filter((one) => {
      if (one.k !== k || this.#closeAt(one) + this.tested.latenessMs <= reached) return false
      return one.records.some((record) => Math.abs(record.t - t) <= this.window.gapMs)
    })
  }

  #given({ k, records }: ModelSession, pane: Given['pane'], revision: number): Given {
    const times = records.map(({ t }) => t)
    const end = Math.max(...times) + this.window.gapMs
    const start = Math.min(...times)
    return { k, values: records.map(({ v }) => v), start, end, t: end, pane, revision }
  }
}

interface Kept {
  readonly k: string
  readonly t: number
  readonly v: number
  isChanged: boolean
}

export class TrailingModel extends WindowModel<TrailingWindow> {
  #records: Kept[] = []
  #revisions: Record<string, number> = {}

  lateEnd(_k: string, t: number, reached: number): number | null {
    const end = t + this.window.sizeMs
    return end + this.tested.latenessMs <= reached ? end : null
  }

  add(k: string, { t, v }: Timed, task: TaskModel): readonly Given[] {
    const reached = this.reached(task)
    this.#records.push({ k, t, v, isChanged: true })
    const given: Given[] = []
    for (const time of this.#times(k)) {
      if (time < t || time >= t + this.window.sizeMs) continue
      if (time >= reached) {
        if (this.tested.emission.kind === 'updates') given.push(this.#given(k, time, 'early', 0))
        continue
      }
      if (time + 1 + this.tested.latenessMs <= reached) continue
      const revision = (this.#revisions[`${time} ${k}`] ?? 0) + 1
      this.#revisions[`${time} ${k}`] = revision
      given.push(this.#given(k, time, 'late', revision))
    }
    return given.toSorted((a, b) => a.t - b.t)
  }

  close(reached: number, to: number): readonly Given[] {
    return this.#all(({ time }) => time >= reached && time < to, 'final')
  }

  flush(reached: number): readonly Given[] {
    const given = this.#all(({ k, time }) => {
      return time >= reached && this.#within(k, time).some(({ isChanged }) => isChanged)
    }, 'early')
    for (const one of this.#records) one.isChanged = false
    return given
  }

  snapshot(): unknown {
    return structuredClone([this.#records, this.#revisions])
  }

  restore(snapshot: unknown): void {
    ;[this.#records, this.#revisions] = snapshot as [Kept[], Record<string, number>]
  }

  #all(isDue: (one: { k: string; time: number }) => boolean, pane: Given['pane']): Given[] {
    const keys = [...new Set(this.#records.map(({ k }) => k))]
    const due = keys.flatMap((k) => this.#times(k).map((time) => ({ k, time }))).filter(isDue)
    return inOrder(due.map(({ k, time }) => this.#given(k, time, pane, 0)))
  }

  #times(k: string): number[] {
    return [...new Set(this.#records.filter((one) => one.k === k).map(({ t }) => t))]
  }

  #within(k: string, time: number): Kept[] {
    const { sizeMs } = this.window
    return this.#records.filter((one) => one.k === k && one.t > time - sizeMs && one.t <= time)
  }

  #given(k: string, time: number, pane: Given['pane'], revision: number): Given {
    const values = this.#within(k, time).map(({ v }) => v)
    const start = time - this.window.sizeMs + 1
    return { k, values, start, end: time + 1, t: time, pane, revision }
  }
}

/** All records of a key, in order of arrival. */
interface ModelKey {
  records: Timed[]
  /** Since the last result. */
  fresh: number
  isChanged: boolean
  dueAt: number
}

abstract class KeyedModel<W extends CountWindow | GlobalWindow> extends WindowModel<W> {
  keys: Map<string, ModelKey> = new Map()

  lateEnd(): null {
    return null
  }

  snapshot(): unknown {
    return structuredClone(this.keys)
  }

  restore(snapshot: unknown): void {
    this.keys = snapshot as Map<string, ModelKey>
  }

  keyOf(k: string): ModelKey {
    const found = this.keys.get(k) ?? { records: [], fresh: 0, isChanged: false, dueAt: Infinity }
    this.keys.set(k, found)
    return found
  }

  given(k: string, records: readonly Timed[], pane: Given['pane'], least: number): Given {
    const times = records.map(({ eventT }) => eventT)
    const last = Math.max(...times)
    const values = records.map(({ v }) => v)
    const start = Math.min(...times)
    return { k, values, start, end: last + 1, t: Math.max(last, least), pane, revision: 0 }
  }
}

export class CountModel extends KeyedModel<CountWindow> {
  add(k: string, record: Timed, task: TaskModel): readonly Given[] {
    const key = this.keyOf(k)
    key.records.push(record)
    const isDue = key.records.length % this.window.every === 0
    key.isChanged = !isDue
    if (!isDue && this.tested.emission.kind !== 'updates') return []
    return [this.given(k, this.#open(key), isDue ? 'final' : 'early', task.watermark)]
  }

  close(): readonly Given[] {
    return []
  }

  flush(_reached: number, task: TaskModel): readonly Given[] {
    const due = [...this.keys].filter(([, { isChanged }]) => isChanged)
    for (const [, key] of due) key.isChanged = false
    return inOrder(due.map(([k, key]) => this.given(k, this.#open(key), 'early', task.watermark)))
  }

  #open({ records }: ModelKey): readonly Timed[] {
    const { size, every } = this.window
    const end = Math.ceil(records.length / every) * every
    return records.slice(Math.max(0, end - size))
  }
}

export class GlobalModel extends KeyedModel<GlobalWindow> {
  add(k: string, record: Timed, task: TaskModel): readonly Given[] {
    const { trigger } = this.window
    const key = this.keyOf(k)
    key.records.push(record)
    key.fresh += 1
    if (trigger.kind === 'count') {
      if (key.fresh < trigger.records) return []
      const given = this.given(k, key.records, 'final', task.watermark)
      this.#past(key)
      return [given]
    }
    const from = Math.max(record.t, this.reached(task))
    const dueAt = (Math.floor(from / trigger.everyMs) + 1) * trigger.everyMs
    key.dueAt = Math.min(key.dueAt, dueAt)
    return []
  }

  close(_reached: number, to: number, task: TaskModel): readonly Given[] {
    const isEvent = this.window.trigger.kind !== 'interval' || this.window.trigger.time === 'event'
    const due = [...this.keys]
      .filter(([, { dueAt }]) => dueAt <= to)
      .toSorted(([a, x], [b, y]) => x.dueAt - y.dueAt || byText(a, b))
    return due.map(([k, key]) => {
      const least = isEvent ? key.dueAt - 1 : task.watermark
      const given = this.given(k, key.records, 'final', least)
      this.#past(key)
      return given
    })
  }

  flush(): readonly Given[] {
    return []
  }

  #past(key: ModelKey): void {
    if (this.window.trigger.purge) key.records = []
    key.fresh = 0
    key.dueAt = Infinity
  }
}
