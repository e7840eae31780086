/**
 * Tables of cases for joins. Each line: what happens | what comes out.
 *
 * `l k@5:a` gives the left topic the value `a` with key k at event time 5, `r` the right one;
 * several may follow. A value `!` is a tombstone. `wm 10` moves event time of both to 10, `clock
 * 5s` moves the clock. Out come pairs `k@5:a+x`, with `-` for null and the window before it, then
 * late records `late k:a step`, then dead ones `dead k:a step`. Key `wm` only moves time: nothing
 * of it is shown.
 */
import assert from 'node:assert/strict'
import type { Duration } from '../../core/duration.ts'

interface Result {
  readonly left: unknown
  readonly right: unknown
  readonly window?: { readonly start: number; readonly end: number }
}

interface Letter {
  readonly key: string | null
  readonly value: string | null
  readonly step: string
}

/** What drives the pipeline: the test driver. */
export interface Driven {
  pushBytes(topic: string, bytes: string | null, options: { key?: string; time: number }): void
  advance(by: Duration): void
  records(topic: string): readonly {
    readonly value: unknown
    readonly key: string | null
    readonly time: number
  }[]
  late(): readonly Letter[]
  deadLetters(): readonly Letter[]
}

/** Reads topics `left` and `right`, writes `out`. @throws with the line that differs */
export function checkTable(driven: Driven, text: string): void {
  let before: readonly string[] = []
  for (const line of text.trim().split('\n')) {
    const [act = '', expected = ''] = line.split('|').map((part) => part.trim())
    drive(driven, act)
    const shown = shownOf(driven)
    const fresh = without(shown, before)
    before = shown
    assert.equal(fresh.join('; '), expected, line)
  }
}

/** The lines of a list that another one does not have, each as often as it has more of it. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return lines.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

function drive(driven: Driven, act: string): void {
  const [word = '', ...rest] = act.split(/ +/)
  if (word === 'clock') {
    driven.advance(rest[0] as Duration)
    return
  }
  if (word === 'wm') {
    const time = Number(rest[0])
    for (const topic of ['left', 'right']) driven.pushBytes(topic, 'wm', { key: 'wm', time })
    return
  }
  assert.ok(word === 'l' || word === 'r', `what is '${act}'?`)
  for (const one of rest) {
    const match = /^(.*)@(-?\d+):(.*)$/.exec(one)
    assert.ok(match !== null, `what is '${one}'?`)
    const [, key = '', time, value = ''] = match
    driven.pushBytes(word === 'l' ? 'left' : 'right', value === '!' ? null : value, {
      ...(key === 'null' ? {} : { key }),
      time: Number(time),
    })
  }
}

function shownOf(driven: Driven): string[] {
  const pairs = driven.records('out').flatMap(({ value, key, time }) => {
    const { left, right, window } = value as Result
    if (key === 'wm') return []
    const place = window === undefined ? '' : `[${window.start},${window.end})`
    return [`${key}@${time}${place}:${shownSide(left)}+${shownSide(right)}`]
  })
  const letters = (kind: string, all: readonly Letter[]): string[] =>
    all
      .filter(({ key }) => key !== 'wm')
      .map(({ key, value, step }) => `${kind} ${key}:${value} ${step}`)
  return [...pairs, ...letters('late', driven.late()), ...letters('dead', driven.deadLetters())]
}

function shownSide(value: unknown): string {
  return value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value)
}
