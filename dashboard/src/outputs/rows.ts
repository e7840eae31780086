/** Records of a topic as rows of figures. A window that comes again takes its row's place. */
import { keyText } from '../lib/record-text.ts'
import type { ShownRecord } from '../lib/shapes.ts'

export interface Row {
  readonly id: string
  readonly key: string
  /** ms: where the window begins, else the record's time. */
  readonly atMs: number
  readonly endMs: number | null
  readonly figures: Readonly<Record<string, number>>
  readonly value: unknown
  readonly isWindow: boolean
}

const rowsMax = 5_000

export class Rows {
  #rows = new Map<string, Row>()

  /** @returns whether anything changed */
  add(records: readonly ShownRecord[]): boolean {
    for (const record of records) {
      const row = rowOf(record)
      if (row === null) continue
      this.#rows.delete(row.id)
      this.#rows.set(row.id, row)
    }
    const excess = this.#rows.size - rowsMax
    if (excess > 0) this.#rows = new Map([...this.#rows].slice(excess))
    return records.length > 0
  }

  /** In order of time. */
  get all(): Row[] {
    return [...this.#rows.values()].sort((a, b) => a.atMs - b.atMs)
  }
}

export function rowOf(record: ShownRecord): Row | null {
  const { value, partition, offset } = record
  if (record.form !== 'json') return null
  const key = record.key === null ? keyWithin(value) : keyText(record.key)
  const window = windowOf(value)
  const atMs = window?.start ?? record.time
  return {
    id: window === null ? `${partition}/${offset}` : `${key} ${window.start} ${window.end}`,
    key,
    atMs,
    endMs: window?.end ?? null,
    figures: figuresOf(value),
    value,
    isWindow: window !== null,
  }
}

interface Window {
  readonly start: number
  readonly end: number
}

function windowOf(value: unknown): Window | null {
  const { window } = plain(value)
  const { start, end } = plain(window)
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : null
}

/** Results of windows have their key within the value, where the topic has none. */
function keyWithin(value: unknown): string {
  const { key } = plain(value)
  return key === undefined || key === null
    ? ''
    : typeof key === 'string'
      ? key
      : JSON.stringify(key)
}

function figuresOf(value: unknown): Record<string, number> {
  if (typeof value === 'number') return { value }
  const figures: Record<string, number> = {}
  for (const [name, one] of Object.entries(plain(value))) {
    if (typeof one === 'number' && Number.isFinite(one)) figures[name] = one
  }
  return figures
}

function plain(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
