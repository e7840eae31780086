/** The properties that every kind of window must have, on random cases. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { WindowSpec } from '../../pipeline/window-spec.ts'
import { neverIdleMs, runCase } from './fold-case.ts'
import { uninterrupted } from './case-runner.ts'
import type { Restart } from './case-runner.ts'
import { TaskModel } from './task-model.ts'
import type { ModelStep } from './task-model.ts'
import { pipelineOf, testedWindows, windowCases } from './window-case.ts'
import type { WindowCase } from './window-case.ts'
import { SlicedModel } from './window-model.ts'
import type { TestedWindow } from './window-model.ts'
import { CountModel, GlobalModel, SessionModel, TrailingModel } from './window-models.ts'

export interface WindowCheck {
  readonly runs: number
  /** Default: another one each time; a failure prints it. */
  readonly seed?: number
}

/** What the checked runs met: so that a check that exercises nothing can be noticed. */
export interface WindowWork {
  restarts: number
  results: number
  early: number
  final: number
  revisions: number
  late: number
  dead: number
}

/**
 * @param name of `testedWindows`
 * @throws with the seed and the smallest case found where the task and the model differ
 */
export function checkWindow(name: string, check: WindowCheck): WindowWork {
  const make = testedWindows[name]
  if (make === undefined) throw new Error(`no window '${name}'`)
  const work: WindowWork = {
    restarts: 0,
    results: 0,
    early: 0,
    final: 0,
    revisions: 0,
    late: 0,
    dead: 0,
  }
  const property = fc.property(windowCases(make), ({ runs, tested }: WindowCase) => {
    const built = pipelineOf(tested)
    const { lines, restarts } = runCase(runs, built)
    assert.deepEqual(lines, modelLines({ runs, tested }, restarts), 'differs from the model')
    // What only the clock has moved is not committed: where one falls idle, windows close later.
    if (runs.idleAfterMs === neverIdleMs || restarts.length === 0) {
      const straight = runCase(uninterrupted(runs), built)
      assert.deepEqual(lines, straight.lines, 'differs from the uninterrupted run')
    }
    work.restarts += restarts.length
    for (const line of lines) {
      if (line.startsWith('out/')) work.results += 1
      if (line.includes('"pane":"early"')) work.early += 1
      if (line.includes('"pane":"final"')) work.final += 1
      if (line.includes('"revision"')) work.revisions += 1
      if (line.startsWith('in.late/')) work.late += 1
      if (line.startsWith('in.dead/')) work.dead += 1
    }
  })
  fc.assert(property, {
    numRuns: check.runs,
    ...(check.seed === undefined ? {} : { seed: check.seed }),
  })
  return work
}

export function modelLines({ runs, tested }: WindowCase, restarts: readonly Restart[]): string[] {
  return new TaskModel(runs, modelOf(tested.window, tested), restarts).run()
}

function modelOf(window: WindowSpec, tested: TestedWindow): ModelStep {
  switch (window.kind) {
    case 'session':
      return new SessionModel(window, tested, window.time === 'event')
    case 'trailing':
      return new TrailingModel(window, tested, window.time === 'event')
    case 'count':
      return new CountModel(window, tested, true)
    case 'global': {
      const { trigger } = window
      return new GlobalModel(window, tested, trigger.kind === 'count' || trigger.time === 'event')
    }
    default:
      return new SlicedModel(window, tested, window.time === 'event')
  }
}
