/** The operator of `process` against the plain model, on random programs. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Duration } from '../../core/duration.ts'
import { json } from '../../core/codec.ts'
import { from } from '../../pipeline/from.ts'
import type { StepNode } from '../../pipeline/node.ts'
import { output } from '../../pipeline/process.ts'
import type { ProcessContext } from '../../pipeline/process.ts'
import type { ProcessSpec } from '../../pipeline/process-spec.ts'
import { listState, mapState, valueState } from '../../pipeline/process-state.ts'
import type { ListState, MapState, StateDeclaration } from '../../pipeline/process-state.ts'
import type { StateOptions, ValueState } from '../../pipeline/process-state.ts'
import { topic } from '../../pipeline/topic.ts'
import { processOperator } from '../operators/process.ts'
import { OperatorRun } from './operator-run.ts'
import type { OutputNote } from './operator-run.ts'
import { processCaseArbitrary, timerNames } from './process-case.ts'
import type { Act, ProcessCase } from './process-case.ts'
import { noteLine, ProcessModel } from './process-model.ts'
import type { Shown } from './process-model.ts'

export interface ProcessCheck {
  readonly runs: number
  /** Default: another one each time; a failure prints it. */
  readonly seed?: number
}

/** What the checked runs met: so that a check that exercises nothing can be noticed. */
export interface ProcessWork {
  shown: number
  dead: number
  timers: number
  restarts: number
}

/** @throws with the seed and the smallest case found where the operator and the model differ */
export function checkProcess({ runs, seed }: ProcessCheck): ProcessWork {
  const work: ProcessWork = { shown: 0, dead: 0, timers: 0, restarts: 0 }
  const property = fc.property(processCaseArbitrary, (one) => {
    work.timers += checkCase(one, work)
  })
  fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
  return work
}

function checkCase(one: ProcessCase, work: ProcessWork): number {
  const fired = { timers: 0 }
  const spec = specOf(one, fired)
  const run = new OperatorRun((context, outputs) => processOperator(spec, context, outputs))
  const model = new ProcessModel(one)
  run.crash() // opened as any: with nothing to restore
  drive(one, run, model)
  const toMs = run.watermarkMs + 1000
  if (one.ttlMs !== null && one.ttls.every((ttl) => ttl !== null) && !repeats(one)) {
    run.advance(toMs)
    run.tick(run.nowMs + 1000)
    run.advance(toMs + 1000)
    run.tick(run.nowMs)
    run.commit()
    assert.ok(run.stateEntries <= 2, `${run.stateEntries} entries are left`) // last numbers given
  }
  for (const { output: to } of run.notes) {
    if (to === 'main') work.shown += 1
    if (to === 'dead') work.dead += 1
  }
  work.restarts += one.moves.filter((move) => move.do === 'restart').length
  return fired.timers
}

function drive(one: ProcessCase, run: OperatorRun, model: ProcessModel): void {
  run.advance(100)
  model.advance(100)
  for (const move of one.moves) {
    switch (move.do) {
      case 'record': {
        const timeMs = run.watermarkMs + move.afterMs
        if (!Number.isFinite(timeMs)) break // a crash took the first watermark back
        run.take(move.acts, move.key, timeMs)
        model.record(move.key, timeMs, move.acts)
        break
      }
      case 'advance': {
        const toMs = Number.isFinite(run.watermarkMs) ? run.watermarkMs + move.byMs : 100
        run.advance(toMs)
        model.advance(toMs)
        break
      }
      case 'clock':
        run.tick(run.nowMs + move.byMs)
        model.clock(model.nowMs + move.byMs)
        break
      case 'commit':
        run.commit()
        model.commit()
        break
      case 'restart':
        run.restart()
        model.commit()
        break
      case 'crash':
        run.crash()
        model.crash()
    }
    assert.deepEqual(run.notes.map(lineOf), model.lines, 'differs from the model')
  }
}

/** Whether timers may go on for ever. */
function repeats({ timers }: ProcessCase): boolean {
  return Object.values(timers).some((acts) => acts.some((act) => act.do === 'timer'))
}

function lineOf({ output: to, value, key, timeMs }: OutputNote): string {
  return noteLine(to, to === 'dead' ? (value as unknown[])[0] : value, key, timeMs)
}

interface CaseState {
  readonly value: StateDeclaration<ValueState<number, never>>
  readonly map: StateDeclaration<MapState<number, number>>
  readonly list: StateDeclaration<ListState<number>>
  readonly [name: string]: StateDeclaration<unknown>
}
type Context = ProcessContext<
  string,
  CaseState,
  Shown,
  { alerts: ReturnType<typeof output<number>> }
>

const source = topic('in', { codec: json<readonly Act[]>(), key: () => 'key' })

function specOf({ ttlMs, ttls, timers }: ProcessCase, fired: { timers: number }): ProcessSpec {
  const [value, map, list] = ttls.map(ttlOf) as [StateOptions, StateOptions, StateOptions]
  const state: CaseState = {
    value: valueState<number>({ ...value, default: 0 }),
    map: mapState<number, number>(map),
    list: listState<number>(list),
  }
  const made = from(source).process({
    state,
    emits: output<Shown>(),
    outputs: { alerts: output<number>() },
    ...(ttlMs === null ? {} : { ttl: `${ttlMs}ms` as Duration }),
    onRecord(acts, ctx) {
      for (const act of acts) perform(act, ctx)
    },
    onTimer(timer, ctx) {
      fired.timers += 1
      for (const act of timers[timer.name] ?? []) perform(act, ctx)
    },
  })
  const node = made.main.node as { readonly input: StepNode }
  return node.input.spec as ProcessSpec
}

function ttlOf(ttlMs: number | null | undefined): StateOptions {
  if (ttlMs === undefined) return {}
  return { ttl: ttlMs === null ? 'forever' : `${ttlMs}ms` }
}

function perform(act: Act, ctx: Context): void {
  const { value, map, list } = ctx.state
  switch (act.do) {
    case 'add':
      return value.set(value.get() + act.by)
    case 'put':
      return map.set(act.entry, act.value)
    case 'remove':
      map.delete(act.entry)
      return
    case 'push':
      return list.push(act.value)
    case 'replace':
      return list.replace(Array.from({ length: act.count }, (_, i) => i))
    case 'clear':
      return act.what === 'all' ? ctx.clear() : ctx.state[act.what].clear()
    case 'timer': {
      const from = act.kind === 'event' ? ctx.time : ctx.now
      return ctx.timers[act.kind](from + act.afterMs, act.name)
    }
    case 'cancel':
      return ctx.timers.cancel(act.kind, act.name)
    case 'show':
      return ctx.emit(shown(ctx))
    case 'alert':
      return ctx.output.alerts(list.size)
    case 'throw':
      throw new Error('as asked')
  }
}

function shown(ctx: Context): Shown {
  const { value, map, list } = ctx.state
  const entries = map.entries()
  assert.equal(map.size, entries.length)
  for (const [entry, held] of entries) assert.equal(map.get(entry), held)
  const all = list.toArray()
  assert.deepEqual([list.size, list.at(-1), list.at(0)], [all.length, all.at(-1), all[0]])
  const timers = (['event', 'processing'] as const).flatMap((kind) =>
    timerNames.map((name) => ctx.timers.get(kind, name)),
  )
  const { watermark, now } = ctx
  return { value: value.get(), map: entries, list: all, timers, watermark, now }
}
