/** The operator of `match` against its definition, on random cases. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { MatchSpec } from '../../pipeline/patterns/match-spec.ts'
import { compareKeys } from '../../core/key.ts'
import { matchCaseArbitrary, modelEventsMax } from './match-case.ts'
import type { CaseEvent, MatchCase } from './match-case.ts'
import { modelOutcomes } from './match-model.ts'
import type { ModelEvent } from './match-model.ts'
import { matchRun } from './match-run.ts'
import type { OperatorRun, OutputNote } from './operator-run.ts'

export interface MatchCheck {
  readonly runs: number
  /** Default: another one each time; a failure prints it. */
  readonly seed?: number
}

/** What the checked runs met: so that a check that exercises nothing can be noticed. */
export interface MatchWork {
  matches: number
  timedOut: number
  late: number
  dead: number
  restarts: number
}

/** @throws with the seed and the smallest case found where the operator and the model differ */
export function checkMatch(check: MatchCheck): MatchWork {
  const work: MatchWork = { matches: 0, timedOut: 0, late: 0, dead: 0, restarts: 0 }
  const property = fc.property(matchCaseArbitrary, (one) => {
    const run = matchRun(one.spec)
    const taken = drive(one, run)
    run.advance(1000)
    assert.deepEqual(linesOf(run.notes), expectedLines(one, taken), 'differs from the definition')
    if (one.spec.withinMs !== null) {
      run.restart()
      assert.equal(run.stateEntries, 0, 'something is kept of what is past')
    }
    for (const { output: kind } of run.notes) {
      if (kind === 'match') work.matches += 1
      if (kind === 'timed-out') work.timedOut += 1
      if (kind === 'late') work.late += 1
      if (kind === 'dead') work.dead += 1
    }
    work.restarts += one.moves.filter((move) => move.do === 'restart').length
  })
  fc.assert(property, {
    numRuns: check.runs,
    ...(check.seed === undefined ? {} : { seed: check.seed }),
  })
  return work
}

interface TakenEvent {
  readonly key: string
  readonly timeMs: number
  readonly event: CaseEvent
  readonly isLate: boolean
}

/** @returns the records in order of arrival */
function drive({ moves }: MatchCase, run: OperatorRun): TakenEvent[] {
  const taken: TakenEvent[] = []
  const counts = new Map<string, number>()
  run.advance(0)
  for (const move of moves) {
    if (move.do === 'advance') run.advance(run.watermarkMs + move.byMs)
    else if (move.do === 'commit') run.commit()
    else if (move.do === 'restart') run.restart()
    else {
      const { key } = move
      const event = { ...move.event, id: taken.length }
      const count = counts.get(key) ?? 0
      if (count === modelEventsMax) continue
      counts.set(key, count + 1)
      const timeMs = run.watermarkMs + move.afterMs
      taken.push({ key, timeMs, event, isLate: move.afterMs < 0 })
      run.take(event, key, timeMs)
    }
  }
  return taken
}

/** Late records as they came, then dead letters, then results. */
function linesOf(notes: readonly OutputNote[]): string[] {
  const letters = (['late', 'dead'] as const).map((one) =>
    notes.filter(({ output }) => output === one),
  )
  const results = notes.filter(({ output }) => output !== 'late' && output !== 'dead')
  return [...letters.flat(), ...results].map((note) => {
    const value = note.output === 'dead' ? (note.value as unknown[])[0] : note.value
    return line(note.output, note.timeMs, note.key, value)
  })
}

function expectedLines({ spec }: MatchCase, taken: readonly TakenEvent[]): string[] {
  const late = taken.filter(({ isLate }) => isLate)
  const lines = late.map(({ key, timeMs, event }) => line('late', timeMs, key, event))
  const timed: Line[] = []
  for (const key of new Set(taken.map((one) => one.key))) {
    const mine = taken.filter((one) => one.key === key && !one.isLate)
    mine.sort((a, b) => a.timeMs - b.timeMs)
    timed.push(...linesOfKey(spec, key, mine))
  }
  timed.sort((a, b) => {
    return Number(b.isDead) - Number(a.isDead) || a.timeMs - b.timeMs || compareKeys(a.key, b.key)
  })
  return [...lines, ...timed.map((one) => one.line)]
}

interface Line {
  readonly timeMs: number
  readonly key: string
  readonly isDead: boolean
  readonly line: string
}

function linesOfKey(spec: MatchSpec, key: string, mine: readonly TakenEvent[]): Line[] {
  const { withinMs } = spec
  const events: ModelEvent[] = []
  const lines: Line[] = []
  for (const { timeMs, event } of mine) {
    if (!event.isPoison) events.push({ timeMs, value: event })
    else lines.push({ timeMs, key, isDead: true, line: line('dead', timeMs, key, event) })
  }
  for (const { kind, timeMs, matched, startTime, endTime } of modelOutcomes(spec, events)) {
    const value =
      kind === 'match'
        ? { key, match: matched, startTime, endTime }
        : { key, partial: matched, startTime, deadline: startTime + (withinMs ?? 0) }
    lines.push({ timeMs, key, isDead: false, line: line(kind, timeMs, key, value) })
  }
  return lines
}

function line(kind: string, timeMs: number, key: unknown, value: unknown): string {
  return `${kind} ${String(key)}@${timeMs} ${JSON.stringify(value)}`
}
