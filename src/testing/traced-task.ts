/**
 * Watches a task for the trace: how its event time moves, which inputs fall idle, which windows
 * open and close, which timers are set and fire.
 */
import { stateKey } from '../core/key.ts'
import type { InputTime, TimeExplanation } from '../engine/explain-time.ts'
import type { Upcoming } from '../engine/operators/operator.ts'
import type { Probe, ProbedStep } from '../engine/probe.ts'
import { keyText, timeText, type Trace } from './trace.ts'

/** Windows that a record opens at once, of one key: more are told of in one line. */
const windowsInLinesMax = 3

export class TracedTask implements Probe {
  /** Empty: there is one only. */
  readonly name: string
  readonly #trace: Trace
  readonly #explain: () => TimeExplanation
  #steps: readonly ProbedStep[] = []
  #root: ProbedStep['time'] | null = null
  #watermarkMs: number | null = null
  #idle: ReadonlyMap<string, boolean> = new Map()
  /** Of each step: the windows and timers that have been told of, by identity. */
  readonly #known = new Map<string, Map<string, Upcoming>>()
  /** Those that are due, have been told of as such, and may not have happened yet. */
  readonly #announced = new Set<Upcoming>()
  /** Of steps that tell of no windows and timers: what they wait for. */
  readonly #waits = new Map<string, string>()

  /** @param explain is not asked before the first record or tick */
  constructor(name: string, trace: Trace, explain: () => TimeExplanation) {
    this.name = name
    this.#trace = trace
    this.#explain = explain
  }

  built(steps: readonly ProbedStep[], root: ProbedStep['time']): void {
    this.#steps = steps
    this.#root = root
  }

  advances(watermarkMs: number): void {
    this.#lookAtSteps() // what the record in hand has opened comes before what closes
    this.#moved(watermarkMs)
    for (const { step, time } of this.#steps) {
      // Those that lag behind tell when they get there.
      if (time === this.#root) this.#due(step, 'event', watermarkMs)
    }
  }

  /** The clock is about to tick. */
  ticks(nowMs: number): void {
    for (const { step } of this.#steps) this.#due(step, 'processing', nowMs)
  }

  /** Tells of what has changed. Between records. */
  look(): void {
    this.#lookAtSteps()
    this.#announced.clear() // all that was due has happened
    this.#moved(this.#explain().watermarkMs)
  }

  /** @param watermarkMs null: it has not begun */
  #moved(watermarkMs: number | null): void {
    const { inputs, heldBy } = this.#explain()
    const idle = new Map(inputs.map((input) => [placeText(input), input.state === 'idle']))
    for (const [place, isIdle] of idle) {
      if ((this.#idle.get(place) ?? false) !== isIdle)
        this.#add('input', `${place} ${isIdle ? 'is idle' : 'is active again'}`)
    }
    this.#idle = idle
    const beforeMs = this.#watermarkMs
    if (watermarkMs === null || watermarkMs === beforeMs) return
    this.#watermarkMs = watermarkMs
    const holders = heldBy.map(placeText).join(', ')
    const from = beforeMs === null ? 'begins at' : `${timeText(beforeMs)} →`
    const why = holders === '' ? '' : `, held by ${holders}`
    this.#add('event time', `${from} ${timeText(watermarkMs)}${why}`)
  }

  /** What is due has not happened yet. */
  #due(step: string, time: Upcoming['time'], toMs: number): void {
    const known = [...(this.#known.get(step)?.values() ?? [])]
    const due = known.filter((one) => one.time === time && one.dueMs <= toMs)
    for (const one of due.toSorted((a, b) => a.dueMs - b.dueMs)) {
      if (this.#announced.has(one)) continue
      this.#announced.add(one)
      this.#happens(step, one)
    }
  }

  #happens(step: string, one: Upcoming): void {
    this.#add(one.kind === 'window' ? 'closes' : 'fires', `${step}${textOf(one)}`)
  }

  #lookAtSteps(): void {
    for (const each of this.#steps) {
      const { operator, step } = each
      const upcoming = operator.upcoming?.() ?? null
      if (upcoming === null) this.#lookAtWaits(each)
      else this.#compare(each, new Map(upcoming.map((one) => [idOf(one), one])), step)
    }
  }

  #compare({ time }: ProbedStep, now: Map<string, Upcoming>, step: string): void {
    const before = this.#known.get(step) ?? new Map<string, Upcoming>()
    for (const [id, one] of before) if (now.has(id)) now.set(id, one) // announced or not, as it was
    this.#known.set(step, now)
    const gone = [...before].flatMap(([id, one]) => (now.has(id) ? [] : [one]))
    const added = [...now].flatMap(([id, one]) => (before.has(id) ? [] : [one]))
    const extended = new Set<Upcoming>()
    for (const one of gone) {
      if (this.#announced.has(one)) continue
      const heir = added.find((other) => other.kind === one.kind && isWithin(one, other))
      if (heir !== undefined) extended.add(heir)
      else if (one.kind === 'window' || one.dueMs <= time.watermarkMs) this.#happens(step, one)
      else this.#add('cancels', `${step}${textOf(one)}`)
    }
    for (const one of extended) this.#add('extends', `${step}${textOf(one)}`)
    this.#tellAdded(
      step,
      added.filter((one) => !extended.has(one)),
    )
  }

  #tellAdded(step: string, added: readonly Upcoming[]): void {
    const groups = Map.groupBy(added, ({ kind, key }) => `${kind} ${stateKey(key)}`)
    for (const group of groups.values()) {
      const [first, ...rest] = group.toSorted((a, b) => a.dueMs - b.dueMs || a.startMs - b.startMs)
      if (first === undefined) continue
      const what = first.kind === 'window' ? 'opens' : 'sets'
      const last = rest.at(-1)
      if (last !== undefined && first.kind === 'window' && group.length > windowsInLinesMax) {
        const text = `${group.length} windows, the last ${spanText(last)}`
        this.#add(what, `${step}${textOf(first)}, … ${text}`)
      } else for (const one of [first, ...rest]) this.#add(what, `${step}${textOf(one)}`)
    }
  }

  #lookAtWaits({ step, operator }: ProbedStep): void {
    const [dueMs, clockDueMs] = [operator.watermarkDueMs(), operator.clockDueMs()]
    const parts: string[] = []
    if (Number.isFinite(dueMs)) parts.push(`for event time ${timeText(dueMs)}`)
    if (Number.isFinite(clockDueMs)) parts.push(`for clock ${timeText(clockDueMs)}`)
    const text = parts.join(', ')
    if (text === (this.#waits.get(step) ?? '')) return
    this.#waits.set(step, text)
    this.#add('waits', `${step} ${text === '' ? 'for nothing' : text}`)
  }

  #add(what: string, text: string): void {
    this.#trace.add(this.name, what, text)
  }
}

function idOf({ kind, key, name, startMs, endMs, time }: Upcoming): string {
  return JSON.stringify([kind, String(stateKey(key)), name, startMs, endMs, time])
}

/** A session that has grown, or taken in another, holds what it was. */
function isWithin(one: Upcoming, other: Upcoming): boolean {
  const isSame = stateKey(one.key) === stateKey(other.key) && one.kind === 'window'
  return isSame && other.startMs <= one.startMs && other.endMs >= one.endMs
}

function textOf(one: Upcoming): string {
  const name = one.name === '' ? '' : ` '${one.name}'`
  const clock = one.time === 'processing' ? 'clock ' : ''
  const what = one.kind === 'window' ? `window ${spanText(one)}` : `timer${name} at ${clock}`
  return `${keyText(one.key)} ${what}${one.kind === 'window' ? '' : timeText(one.dueMs)}`
}

function spanText({ startMs, endMs }: Upcoming): string {
  return `${timeText(startMs)} – ${timeText(endMs)}`
}

function placeText({ topic, partition }: Pick<InputTime, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`
}
