/** What handlers of `process` are given: one object for the step, whatever is in hand. */
import { MillraceError } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import type { ProcessSpec } from '../../pipeline/process-spec.ts'
import type { ProcessContext, TimerKind, Timers } from '../../pipeline/process.ts'
import type { Push, StepContext, StepOutputs } from '../operators/operator.ts'
import type { InHand } from './in-hand.ts'
import type { KeyedState } from './keyed-state.ts'
import type { KeyedTimers } from './keyed-timers.ts'

export interface HandlerContextOptions {
  readonly spec: ProcessSpec
  readonly context: StepContext
  readonly outputs: StepOutputs
  readonly hand: InHand
  readonly states: readonly KeyedState[]
  readonly timers: (kind: TimerKind) => KeyedTimers
  /** Throws where a timer cannot be set. */
  readonly checkSet: (kind: TimerKind, timeMs: number) => void
}

type Untyped = ProcessContext<unknown, Record<string, never>, unknown, Record<string, never>>

export class HandlerContext implements Omit<Untyped, 'state' | 'output'> {
  readonly #hand: InHand
  readonly #context: StepContext
  readonly #states: readonly KeyedState[]
  readonly state: Readonly<Record<string, unknown>>
  readonly timers: Timers
  readonly emit: (value: unknown) => void
  readonly output: Readonly<Record<string, (value: unknown) => void>>

  constructor(options: HandlerContextOptions) {
    const { spec, context, outputs, hand, states } = options
    this.#hand = hand
    this.#context = context
    this.#states = states
    this.state = Object.fromEntries(states.map(({ name, handle }) => [name, handle]))
    this.timers = timersOf(options)
    this.emit = emitTo(
      spec.outputs.length === 0 ? outputs.main : outputs.named('main'),
      context,
      hand,
    )
    this.output = Object.fromEntries(
      spec.outputs.map((name) => [name, emitTo(outputs.named(name), context, hand)]),
    )
  }

  get key(): Key {
    return this.#hand.key
  }

  get time(): number {
    return this.#hand.timeMs
  }

  get watermark(): number {
    return this.#hand.watermarkMs
  }

  get now(): number {
    return this.#context.task.nowMs
  }

  /** A property, not a method: handlers take it out of the context. */
  readonly clear = (): void => {
    for (const { handle } of this.#states) handle.clear()
  }
}

function emitTo(push: Push, { task, step }: StepContext, hand: InHand): (value: unknown) => void {
  return (value) => {
    push(value, hand.key, hand.timeMs)
    task.running = step // what throws next is the handler again
  }
}

function timersOf({ hand, timers, checkSet }: HandlerContextOptions): Timers {
  const set = (kind: TimerKind, time: number | Date, name: string): void => {
    const timeMs = Math.ceil(Number(time))
    if (!Number.isFinite(timeMs)) {
      throw new MillraceError('invalid-argument', `a timer cannot be set for ${String(time)}`, {
        hint: 'give ms since 1970, or a Date',
      })
    }
    const { key } = hand
    checkSet(kind, timeMs)
    timers(kind).set({ key, name, timeMs, setMs: hand.timeMs })
  }
  return {
    event: (time, name = '') => set('event', time, name),
    processing: (time, name = '') => set('processing', time, name),
    get: (kind, name = '') => timers(kind).get(hand.key, name),
    cancel: (kind, name = '') => timers(kind).cancel(hand.key, name),
  }
}
