/**
 * `process`: the user's handlers, called with each record and each timer, and with the state of its
 * key.
 *
 * An event timer of time t fires when the watermark reaches t: no record before t is to come. Those
 * due at one advance fire in order of time, key, name; the ones that a handler sets for a time that
 * has come are among them (as Flink's KeyedProcessFunction). Timers of the wall clock fire at ticks
 * in the same way. A timer is atomic as a record is: it is taken out first; if its handler throws,
 * what it did is undone, the timer is gone, and a dead letter tells of it.
 *
 * Time to live: a state is dropped when the watermark reaches the time of the key's last record or
 * timer + ttl, behind the timers of that time.
 *
 * Stores: `<step>/timers`: see `KeyedTimers`, namespaces 0 and 1 of event time, 2 and 3 of the wall
 * clock. `<step>/<kind>/<name>`: one for each state, see `keyed-states.ts`. `seen`: see
 * `KeyExpiry`.
 */
import { compareKeys } from '../../core/key.ts'
import { MillraceError } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import type { ProcessSpec } from '../../pipeline/process-spec.ts'
import type { Timer, TimerKind } from '../../pipeline/process.ts'
import { HandlerContext } from '../process/handler-context.ts'
import { InHand } from '../process/in-hand.ts'
import type { KeyExpiry } from '../process/key-expiry.ts'
import { expiries, keyedState } from '../process/keyed-states.ts'
import type { KeyedState } from '../process/keyed-state.ts'
import { fromTimerState, KeyedTimers, toTimerState } from '../process/keyed-timers.ts'
import type { SetTimer } from '../process/keyed-timers.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { Operator, Push, Stateful, StepContext, StepOutputs, Upcoming } from './operator.ts'

export function processOperator(
  spec: ProcessSpec,
  context: StepContext,
  outputs: StepOutputs,
): Operator {
  const process = new Process(spec, context, outputs)
  return { push: process.take, second: null, stateful: process, asynchronous: null }
}

class Process implements Stateful {
  readonly #spec: ProcessSpec
  readonly #context: StepContext
  readonly #hand = new InHand()
  readonly #states: readonly KeyedState[]
  readonly #expiries: readonly KeyExpiry[]
  readonly #events: KeyedTimers
  readonly #clockTimers: KeyedTimers
  readonly #given: HandlerContext
  /** Where timers have brought event time in the advance in hand. */
  #reachedMs: number = Number.NEGATIVE_INFINITY
  /** Timers in a row of one key at one time: those that its handlers have set for it. */
  readonly #row: { key: Key; timeMs: number; timers: number } = { key: '', timeMs: NaN, timers: 0 }

  constructor(spec: ProcessSpec, context: StepContext, outputs: StepOutputs) {
    this.#spec = spec
    this.#context = context
    this.#states = spec.states.map((state) => keyedState(state, context, this.#hand))
    this.#expiries = expiries(spec.states, this.#states, context)
    const timers = context.store({
      part: 'timers',
      toState: toTimerState,
      fromState: fromTimerState,
    })
    this.#events = new KeyedTimers(timers, [0, 1])
    this.#clockTimers = new KeyedTimers(timers, [2, 3])
    this.#given = new HandlerContext({
      spec,
      context,
      outputs,
      hand: this.#hand,
      states: this.#states,
      timers: (kind) => (kind === 'event' ? this.#events : this.#clockTimers),
      checkSet: (kind, timeMs) => this.#checkSet(kind, timeMs),
    })
  }

  readonly take: Push = (value, key, time) => {
    const { task, step } = this.#context
    task.running = step
    if (key === null) throw missingKey(step)
    this.#row.timers = 0
    this.#hand.begin(key, time, this.#context.time.watermarkMs)
    try {
      for (const expiry of this.#expiries) expiry.touch(key, time)
      checkSynchronous('onRecord', this.#spec.onRecord(value, this.#given))
    } finally {
      this.#hand.end()
    }
  }

  onRestored(): void {
    this.#events.restored()
    this.#clockTimers.restored()
    for (const expiry of this.#expiries) expiry.restored()
  }

  onWatermark(watermarkMs: number): void {
    this.#reachedMs = this.#context.time.watermarkMs
    this.#row.timers = 0
    for (;;) {
      const timerMs = this.#events.nextMs()
      const expiryMs = this.#expiryDueMs()
      if (Math.min(timerMs, expiryMs) > watermarkMs) return
      if (timerMs <= expiryMs) {
        const timer = this.#events.take()
        this.#reachedMs = Math.max(this.#reachedMs, timer.timeMs)
        this.#fire('event', timer, this.#reachedMs)
      } else this.#expiries.find(({ dueMs }) => dueMs === expiryMs)?.expire()
    }
  }

  watermarkDueMs(): number {
    return Math.min(this.#events.dueMs, this.#expiryDueMs())
  }

  #expiryDueMs(): number {
    let least = never
    for (const { dueMs } of this.#expiries) least = Math.min(least, dueMs)
    return least
  }

  onClock(nowMs: number): void {
    for (const { collections } of this.#states) collections?.freeEmptied()
    this.#row.timers = 0
    while (this.#clockTimers.nextMs() <= nowMs) {
      const timer = this.#clockTimers.take()
      this.#fire('processing', timer, Math.max(timer.setMs, this.#context.time.watermarkMs))
    }
  }

  /** At once where something is to be freed between records. */
  clockDueMs(): number {
    for (const { collections } of this.#states) {
      if (collections?.hasEmptied === true) return Number.NEGATIVE_INFINITY
    }
    return this.#clockTimers.dueMs
  }

  onStop(): void {}

  upcoming(): Upcoming[] {
    return [...this.#events.upcoming('event'), ...this.#clockTimers.upcoming('processing')]
  }

  #fire(kind: TimerKind, { key, name, timeMs }: SetTimer, atMs: number): void {
    const row = this.#row
    if (row.timers === 0 || row.timeMs !== atMs || compareKeys(row.key, key) !== 0) {
      row.key = key
      row.timeMs = atMs
      row.timers = 0
    }
    row.timers += 1
    const timer: Timer = { kind, name, time: timeMs }
    this.#context.task.emitAtomic(this.#runTimer, timer, key, atMs)
  }

  readonly #runTimer: Push = (timer, key, atMs) => {
    const { task, step, time } = this.#context
    const { onTimer } = this.#spec
    task.running = step
    if (key === null || onTimer === null) throw noTimers()
    const isEvent = (timer as Timer).kind === 'event'
    this.#hand.begin(key, atMs, isEvent ? atMs : time.watermarkMs)
    try {
      for (const expiry of this.#expiries) expiry.touch(key, atMs)
      checkSynchronous('onTimer', onTimer(timer, this.#given))
    } finally {
      this.#hand.end()
    }
  }

  /** @throws `step-failed` where handlers would set timers for the time in hand for ever */
  #checkSet(kind: TimerKind, timeMs: number): void {
    if (this.#spec.onTimer === null) throw noTimers()
    if (this.#row.timers < timersInRowMax) return
    const nowMs = kind === 'event' ? this.#hand.timeMs : this.#context.task.nowMs
    if (timeMs > nowMs) return
    throw new MillraceError(
      'step-failed',
      `${this.#row.timers} timers of one key have fired at ${nowMs}, and one more is set for ` +
        'a time that has come',
      { hint: 'set a timer for a later time: each fires as soon as its time has come' },
    )
  }
}

/** Timers of one key in a row at one time, after which its handler cannot set a further one. */
const timersInRowMax = 10_000

function noTimers(): MillraceError {
  return new MillraceError('invalid-argument', 'a timer is set, but there is no onTimer', {
    hint: 'give the step what is to be done: process({ onRecord, onTimer(timer, ctx) { … } })',
  })
}

function checkSynchronous(handler: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || !('then' in given)) return
  Promise.resolve(given).catch(() => {}) // the record fails, whatever comes of it
  throw new MillraceError('step-failed', `${handler} gave a promise, which nobody waits for`, {
    hint: 'call what answers later in mapAsync, before or behind this step',
  })
}
