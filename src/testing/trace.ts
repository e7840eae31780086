/**
 * What a pipeline under test did, and why, in lines for people: records that came, what steps gave
 * on, how event time moved and what held it, windows, timers, what was written.
 */
import type { Key } from '../core/key.ts'
import { jsonText } from '../engine/letters.ts'
import type { RecordBatch } from '../log/batch.ts'
import { letterHeaders } from './written-topics.ts'

/** Larger times are shown as dates. */
const smallMsMax = 31_536_000_000
/** Longer values are cut. */
const valueCharsMax = 100

/** A value that a step gave. */
export interface GivenValue {
  readonly step: string
  readonly value: unknown
  readonly key: Key | null
  readonly timeMs: number
}

export class Trace {
  #lines: string[] = []
  #clockMs: number | null = null

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
    const what = `${place}${keyText(record.key)} at ${timeText(record.timeMs)}: ${value}`
    this.add('', 'record', what)
  }

  gave(task: string, { step, value, key, timeMs }: GivenValue): void {
    const text = `${keyText(key)} at ${timeText(timeMs)}: ${cut(jsonText(value))}`
    this.add(task, 'gives', `${step}${text}`)
  }

  wrote(task: string, batch: RecordBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const key = batch.key(i)
      const value = String(batch.value(i))
      this.add(task, 'written', `${placeText(batch, i)}${keyText(textOf(key))}: ${cut(value)}`)
    }
  }

  /** Records of a topic for dead or late ones. */
  wroteLetters(task: string, batch: RecordBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const header = letterHeaders(batch, i)
      const offset = header('offset')
      const record =
        offset === '' ? 'a result' : `${header('topic')}/${header('partition')}@${offset}`
      const isLate = header('reason') === 'late'
      const why = isLate ? latenessText(header) : deathText(header)
      const where = `${record} in ${header('step')}: ${why}`
      this.add(task, isLate ? 'late' : 'dead', `${where}; kept in ${placeText(batch, i)}`)
    }
  }

  /** @param task empty: there is one only */
  add(task: string, what: string, text: string): void {
    const of = task === '' ? '' : `${task}  `
    this.#lines.push(`  ${what.padEnd(10)}  ${of}${text}`)
  }
}

/** `1.5s` for small times, as tests have them; else the date. */
export function timeText(ms: number): string {
  if (Math.abs(ms) < smallMsMax) return `${ms / 1000}s`
  const isDate = Math.abs(ms) <= 8_640_000_000_000_000
  return isDate ? new Date(ms).toISOString() : String(ms)
}

export function keyText(key: Key | null): string {
  return key === null ? '' : ` key ${jsonText(key)}`
}

function latenessText(header: (name: string) => string): string {
  const [endMs, watermarkMs] = [Number(header('window-end')), Number(header('watermark'))]
  return `complete at ${timeText(endMs)}, event time is ${timeText(watermarkMs)}`
}

function deathText(header: (name: string) => string): string {
  return cut([header('reason'), header('message')].filter((text) => text !== '').join(': '))
}

function placeText(batch: RecordBatch, i: number): string {
  return `${batch.topic}/${batch.partition}@${batch.offset(i)}`
}

function textOf(key: Uint8Array | null): string | null {
  return key === null ? null : Buffer.from(key).toString()
}

function cut(text: string): string {
  return text.length <= valueCharsMax ? text : `${text.slice(0, valueCharsMax)}…`
}
