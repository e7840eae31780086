/** Alerts: what `process` is to do so that a condition opens one, and its end resolves it. */
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import type { Key } from '../core/key.ts'
import { encodeKey } from '../core/key.ts'
import { output } from './process.ts'
import type { ProcessContext, ProcessOptions } from './process.ts'
import { valueState } from './process-state.ts'
import type { StateDeclaration, ValueState } from './process-state.ts'

export interface AlertOptions<V> {
  /** Whether the condition holds. */
  readonly when: (value: V) => boolean
  /**
   * Whether it has ended; a value that is neither changes nothing: `when: (c) => c > 90`,
   * `until: (c) => c < 80`. Default: where `when` does not hold.
   */
  readonly until?: (value: V) => boolean
  /**
   * How long it must hold before the alert opens. Default `'0s'`: the first value opens it.
   */
  readonly for?: Duration
  /** An alert that stays open is told again so often; `'never'`: once. Default `'4h'`. */
  readonly repeatEvery?: Duration | 'never'
  /**
   * Resolved as well when the condition was not seen for so long, because no value has come.
   * Default `'never'`.
   */
  readonly resolveAfter?: Duration | 'never'
}

/** One thing to tell. */
export interface Alert<V = unknown, K = unknown> {
  /** The alert's name. */
  readonly alert: string
  readonly key: K
  readonly status: 'firing' | 'resolved'
  /** The same from the opening of an alert to its end, and no other's: a key to tell repeats by. */
  readonly incident: string
  /** Event time, ms since 1970, from which on the condition held. */
  readonly since: number
  /** Event time of this. */
  readonly at: number
  /** 1: it opens. Each repeat, and the end, counts one more. */
  readonly notification: number
  /** Of the last record that was looked at. */
  readonly value: V
}

interface Held<V> {
  readonly since: number
  /** When the condition was seen last. */
  readonly seen: number
  /** Of the newest record; older ones that come later change nothing. */
  readonly newest: number
  /** 0: not open yet. */
  readonly notifications: number
  /** When it was told last. */
  readonly told: number
  readonly value: V
}

type AlertStates<V> = { readonly held: StateDeclaration<ValueState<Held<V>>> }
type Context<V, K> = ProcessContext<K, AlertStates<V>, Alert<V, K>, Record<never, never>>

/**
 * For `process`: opens an alert for a key when a condition holds, tells it again while it does, and
 * resolves it when it ends. By event time; what is open is state, so after a crash nothing is told
 * twice and nothing forgotten. Give what it emits to any topic or sink; the incident is the same in
 * all notifications of one alert.
 *
 * Keys that are well take no room. A record that is older than one before it changes nothing.
 * @param name of the alert: 1 to 100 of `a-z A-Z 0-9 . _ -`
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const hot = alert<{ device: string; celsius: number }, string>('overheating', {
 *   when: ({ celsius }) => celsius > 90,
 *   until: ({ celsius }) => celsius < 80,
 *   for: '1m',
 *   repeatEvery: '30m',
 * })
 * from(readings).process(hot).to(topic('alerts')).kind // => 'pipeline'
 */
export function alert<V, K extends Key = string>(
  name: string,
  options: AlertOptions<V>,
): ProcessOptions<V, K, AlertStates<V>, Alert<V, K>, Record<never, never>> {
  const rules = rulesOf(name, options)
  const { when, until } = rules
  return {
    state: { held: valueState<Held<V>>() },
    emits: output<Alert<V, K>>(),
    onRecord(value, context) {
      const { time } = context
      const newest = context.state.held.get()?.newest ?? Number.NEGATIVE_INFINITY
      if (time < newest) return
      // What was due before this record is told before it is looked at.
      moveTo(rules, context, time)
      const held = context.state.held.get()
      const isHolding = when(value)
      if (held === undefined) {
        if (!isHolding) return
        const none = { notifications: 0, told: Number.NEGATIVE_INFINITY }
        context.state.held.set({ since: time, seen: time, newest: time, ...none, value })
      } else if (isHolding) {
        context.state.held.set({ ...held, seen: time, newest: time, value })
      } else if (until(value)) {
        return end(rules, context, { ...held, value }, time)
      } else {
        context.state.held.set({ ...held, newest: time, value })
      }
      moveTo(rules, context, time)
      setTimer(rules, context)
    },
    onTimer(_timer, context) {
      moveTo(rules, context, context.time)
      setTimer(rules, context)
    },
  }
}

interface Rules<V> {
  readonly name: string
  readonly when: (value: V) => boolean
  readonly until: (value: V) => boolean
  readonly forMs: number
  /** Infinity: never. */
  readonly repeatMs: number
  readonly resolveMs: number
}

/** Does what is due up to a time: opens, tells again, resolves. */
function moveTo<V, K extends Key>(rules: Rules<V>, context: Context<V, K>, time: number): void {
  const { forMs, repeatMs, resolveMs } = rules
  let held = context.state.held.get()
  if (held === undefined) return
  const openAt = held.since + forMs
  const goneAt = held.seen + resolveMs
  if (held.notifications === 0 && openAt <= Math.min(time, goneAt)) {
    held = tell(rules, context, held, { status: 'firing', at: openAt })
  }
  const until = Math.min(time, goneAt)
  if (held.notifications > 0 && held.told + repeatMs <= until) {
    // Where event time has leapt over several, the last of them is told.
    const at = held.told + Math.floor((until - held.told) / repeatMs) * repeatMs
    held = tell(rules, context, held, { status: 'firing', at })
  }
  if (goneAt <= time) end(rules, context, held, goneAt)
}

/** Of an alert that has not opened yet nothing is told. */
function end<V, K extends Key>(
  rules: Rules<V>,
  context: Context<V, K>,
  held: Held<V>,
  at: number,
): void {
  if (held.notifications > 0) tell(rules, context, held, { status: 'resolved', at })
  context.timers.cancel('event')
  context.clear()
}

function tell<V, K extends Key>(
  { name }: Rules<V>,
  context: Context<V, K>,
  held: Held<V>,
  { status, at }: Pick<Alert, 'status' | 'at'>,
): Held<V> {
  const { key } = context
  const { since, value } = held
  const notification = held.notifications + 1
  const incident = `${name}/${encodeKey(key)}/${since}`
  context.emit({ alert: name, key, status, incident, since, at, notification, value } as never)
  const next = { ...held, notifications: notification, told: at }
  context.state.held.set(next)
  return next
}

function setTimer<V, K extends Key>(rules: Rules<V>, { state, timers }: Context<V, K>): void {
  const held = state.held.get()
  if (held === undefined) return
  const { forMs, repeatMs, resolveMs } = rules
  const next = held.notifications === 0 ? held.since + forMs : held.told + repeatMs
  const due = Math.min(next, held.seen + resolveMs)
  if (Number.isFinite(due)) timers.event(due)
  else timers.cancel('event')
}

function rulesOf<V>(name: string, options: AlertOptions<V>): Rules<V> {
  const { when, until = (value: V) => !when(value) } = options
  if (typeof name !== 'string' || !/^[a-zA-Z0-9._-]{1,100}$/.test(name))
    throw refuse('an alert has a name of 1 to 100 of a-z A-Z 0-9 . _ -')
  if (typeof when !== 'function') throw refuse(`alert '${name}' needs when: a function`)
  if (typeof until !== 'function') throw refuse(`until of alert '${name}' is a function`)
  const ms = (
    option: 'for' | 'repeatEvery' | 'resolveAfter',
    usual: Duration | 'never',
  ): number => {
    const text = options[option] ?? usual
    if (text === 'never' && option !== 'for') return Number.POSITIVE_INFINITY
    const value = durationMs(text, option)
    if (value > 0 || option === 'for') return value
    throw refuse(`${option} of alert '${name}' is longer than nothing, or 'never'`)
  }
  return {
    name,
    when,
    until,
    forMs: ms('for', '0s'),
    repeatMs: ms('repeatEvery', '4h'),
    resolveMs: ms('resolveAfter', 'never'),
  }
}

function refuse(text: string): MillraceError {
  return new MillraceError('invalid-argument', text, {
    hint: "alert('overheating', { when: (reading) => reading.celsius > 90, repeatEvery: '30m' })",
  })
}
