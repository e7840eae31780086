/**
 * What a pipeline under test did, and why, in lines for people: records that came, what steps gave
 * on, how event time moved and what held it, what steps wait for, what was written.
 */
import type { Key } from '../core/key.ts'
import { jsonText } from '../engine/letters.ts'
import type { InputTime, TimeExplanation } from '../engine/explain-time.ts'

const wholeDatesFromMs = 31_536_000_000
/** Longer values are cut. */
const valueCharsMax = 100

/** Of a task, as it was when the trace last looked. */
interface Seen {
  readonly watermarkMs: number | null
  /** Of each input: whether it is idle. */
  readonly idle: ReadonlyMap<string, boolean>
  /** Of each step with memory: what it waits for, as text. */
  readonly waits: ReadonlyMap<string, string>
}

export class Trace {
  #lines: string[] = []
  #clockMs: number | null = null
  readonly #seen = new Map<string, Seen>()

  /** What happened since the last call, a line each. */
  take(): string {
    const text = this.#lines.map((line) => `${line}\n`).join('')
    this.#lines = []
    return text
  }

  clock(nowMs: number): void {
    if (nowMs === this.#clockMs) return
    this.#clockMs = nowMs
    this.#lines.push(`clock ${timeText(nowMs)}`)
  }

  came(place: string, record: { key: string | null; timeMs: number; value: string | null }): void {
    const value = record.value === null ? 'null' : cut(record.value)
    this.#add(
      '',
      'record',
      `${place}${keyText(record.key)} at ${timeText(record.timeMs)}: ${value}`,
    )
  }

  gave(
    task: string,
    { step, value, key, timeMs }: { step: string; value: unknown; key: Key | null; timeMs: number },
  ): void {
    const text = `${keyText(key)} at ${timeText(timeMs)}: ${cut(jsonText(value))}`
    this.#add(task, 'gives', `${step}${text}`)
  }

  wrote(task: string, place: string, text: string): void {
    this.#add(task, 'written', `${place} ${cut(text)}`)
  }

  /** Looks at a task: what has changed of its event time and of what its steps wait for. */
  look(task: string, now: TimeExplanation): void {
    const before = this.#seen.get(task)
    const idle = new Map(now.inputs.map((input) => [placeText(input), input.state === 'idle']))
    const waits = new Map(now.steps.map((step) => [step.step, waitText(step)]))
    this.#seen.set(task, { watermarkMs: now.watermarkMs, idle, waits })
    for (const [place, isIdle] of idle) {
      if ((before?.idle.get(place) ?? false) !== isIdle)
        this.#add(task, 'input', `${place} ${isIdle ? 'is idle' : 'is active again'}`)
    }
    const beforeMs = before?.watermarkMs ?? null
    if (now.watermarkMs !== beforeMs) {
      const holder = now.heldBy.map(placeText).join(', ')
      const from = beforeMs === null ? 'begins at' : `${timeText(beforeMs)} →`
      const why = holder === '' ? '' : `, held by ${holder}`
      this.#add(task, 'event time', `${from} ${timeText(now.watermarkMs ?? 0)}${why}`)
    }
    for (const [step, text] of waits) {
      const was = before?.waits.get(step) ?? ''
      if (text !== was) this.#add(task, 'waits', `${step} ${text === '' ? 'for nothing' : text}`)
    }
  }

  #add(task: string, what: string, text: string): void {
    const of = task === '' ? '' : `${task}  `
    this.#lines.push(`  ${what.padEnd(10)}  ${of}${text}`)
  }
}

/** `1.5s` for small times, as tests have them; else the date. */
export function timeText(ms: number): string {
  if (Math.abs(ms) < wholeDatesFromMs) return `${ms / 1000}s`
  return Number.isFinite(ms) ? new Date(ms).toISOString() : String(ms)
}

function waitText(step: { dueMs: number | null; clockDueMs: number | null }): string {
  const parts: string[] = []
  if (step.dueMs !== null) parts.push(`for event time ${timeText(step.dueMs)}`)
  if (step.clockDueMs !== null) parts.push(`for clock ${timeText(step.clockDueMs)}`)
  return parts.join(', ')
}

function placeText({ topic, partition }: Pick<InputTime, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`
}

function keyText(key: Key | null): string {
  return key === null ? '' : ` key ${jsonText(key)}`
}

function cut(text: string): string {
  return text.length <= valueCharsMax ? text : `${text.slice(0, valueCharsMax)}…`
}
