/**
 * What must come out of a pipeline of tables over a `JoinCase`: after each record, everything is
 * computed anew of all records taken so far, and compared with what was there before.
 */
import { rawValue } from './join-case.ts'
import type { JoinCase, JoinRecord } from './join-case.ts'
import type { Restart } from './case-runner.ts'
import { timelineOf } from './join-timeline.ts'

/** A record that comes out of the tested step. */
export interface Given {
  readonly k: string
  readonly value: unknown
  readonly t: number
}

/** What becomes of a record: it is late, or gives something, which the last step may refuse. */
export type Taken =
  | { readonly lateAtMs: number }
  | { readonly given: readonly Given[]; readonly stands: () => void }

/** One pipeline, as plain loops. */
export interface TableModel {
  /** Steps that take a side's records; null: nothing becomes of those. */
  readonly steps: { readonly left: string; readonly right: string | null }
  /** Nothing of it stands unless `stands` is called. */
  take(record: JoinRecord, watermarkMs: number): Taken
  /** Event time moves on. */
  advance(toMs: number): readonly Given[]
}

/** What the step behind refuses. */
export function isPoison(value: unknown): boolean {
  return /"(?:v|total|top)":7[,}\]]|"half":4/.test(JSON.stringify(value))
}

/** Lines as `OneTaskLog` gives them. */
export function tableLines(
  one: JoinCase,
  model: TableModel,
  restarts: readonly Restart[],
): string[] {
  const lines = new Map<string, string[]>()
  const say = (place: string, line: string): void => {
    lines.set(place, [...(lines.get(place) ?? []), `${place} ${line}`])
  }
  const show = ({ k, value, t }: Given): void => say('out/0', `${k}=${JSON.stringify(value)}@${t}`)
  let watermarkMs = -Infinity
  for (const event of timelineOf(one, restarts, { isRightGlobal: false })) {
    if (event.kind === 'restart') watermarkMs = event.toMs
    else if (event.kind === 'advance') {
      for (const given of model.advance(event.toMs)) show(given)
      watermarkMs = event.toMs
    } else {
      const { record, offset } = event
      const { side, partition, k, t } = record
      const step = model.steps[side]
      if (step === null) continue
      const raw = `${k}=${rawValue(record)}@${t}`
      const dead = (at: string): void =>
        say(`${side}.dead/${partition}`, `${raw} reason=step-failed step=${at} offset=${offset}`)
      if (k === null) {
        dead(step)
        continue
      }
      const taken = model.take(record, watermarkMs)
      if ('lateAtMs' in taken) {
        const when = `watermark=${watermarkMs} window-end=${taken.lateAtMs}`
        say(`${side}.late/${partition}`, `${raw} reason=late step=${step} offset=${offset} ${when}`)
      } else if (taken.given.some(({ value }) => isPoison(value))) dead('check')
      else {
        taken.stands()
        taken.given.forEach(show)
      }
    }
  }
  return [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, all]) => all)
}

/** Rows by key. */
export type Rows = ReadonlyMap<string, unknown>

/** The newest record of each key of a side, without those that delete. */
export function newest(records: readonly JoinRecord[], side: JoinRecord['side']): JoinRecord[] {
  const rows = new Map<string | null, JoinRecord>()
  for (const record of records) {
    if (record.side !== side) continue
    if (record.v === 0) rows.delete(record.k)
    else rows.set(record.k, record)
  }
  return [...rows.values()]
}

/**
 * A table whose rows follow from all records.
 * @param places the keys whose rows may change, in order, by the rows before and after
 */
export function computed(
  steps: TableModel['steps'],
  rowsOf: (records: readonly JoinRecord[]) => Rows,
  places: (
    before: readonly JoinRecord[],
    after: readonly JoinRecord[],
  ) => readonly string[] = allKeys,
): TableModel {
  let records: readonly JoinRecord[] = []
  let before: Rows = new Map()
  return {
    steps,
    take: (record) => {
      const more = [...records, record]
      const after = rowsOf(more)
      const keys = [
        ...new Set([...places(records, more), ...sorted([...after.keys(), ...before.keys()])]),
      ]
      const given = keys.flatMap((k) => {
        const change = { before: before.get(k) ?? null, after: after.get(k) ?? null }
        const isSame = JSON.stringify(change.before) === JSON.stringify(change.after)
        return isSame ? [] : [{ k, value: change, t: record.t }]
      })
      const stands = (): void => {
        records = more
        before = after
      }
      return { given, stands }
    },
    advance: () => [],
  }
}

function allKeys(): readonly string[] {
  return []
}

function sorted(keys: readonly string[]): string[] {
  return keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
