/** A function as a sink: whatever an event triggers. */
import { MillraceError } from '../../core/error.ts'
import { checkSinkName } from '../../pipeline/sink-spec.ts'
import { deliverySpec } from '../delivery/delivery-options.ts'
import { checkOptionNames } from '../option-names.ts'
import type { DeliveryOptions } from '../delivery/delivery-options.ts'
import type { DeliveringSink } from '../sink.ts'

/** What an action is told besides the value. */
export interface ActionInfo<out K = unknown> {
  /**
   * `topic/partition/offset` in the outbox: the same at every try and after every crash, no other
   * record's. Give it to whatever can tell repeats by it.
   */
  readonly id: string
  readonly key: K
  /** Event time, ms since 1970. */
  readonly time: number
  /** 1 for the first try since the process has the record. */
  readonly attempt: number
  /** Fires when the time is over: give it to `fetch` and the like. */
  readonly signal: AbortSignal
}

export type ActionOptions = Omit<DeliveryOptions, 'batch'>

/**
 * A sink that calls a function with each record: at least once, those of a key in order. The
 * pipeline does not wait for it. A call that throws or takes too long is repeated, and after the
 * last try the record goes to `<pipeline>.<name>.outbox.dead`. A promise is awaited. Where the
 * function throws `sink-refused`, it is not repeated; where it throws `sink-unavailable`, or cannot
 * connect, tries do not count and are made ever more rarely.
 * @param name stable, unique in its pipeline: 1 to 100 of `a-z A-Z 0-9 . _ -`
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const warn = action('warn', async (reading: { device: string }, { id, signal }) => {
 *   await fetch('http://127.0.0.1:8080/warn', {
 *     method: 'POST',
 *     body: reading.device,
 *     headers: { 'idempotency-key': id },
 *     signal,
 *   })
 * }, { retries: 5, timeout: '10s', concurrency: 4 })
 */
export function action<V, K = unknown>(
  name: string,
  fn: (value: V, info: ActionInfo<K>) => unknown,
  options: ActionOptions = {},
): DeliveringSink<V, K> {
  checkSinkName(name)
  if (typeof fn !== 'function')
    throw new MillraceError('invalid-argument', `action '${name}' has no function`, {
      hint: 'give it one: action(name, async (value, { id, signal }) => { … })',
    })
  checkOptionNames(`sink '${name}'`, options, actionOptionNames)
  return {
    kind: 'sink',
    guarantee: 'at-least-once',
    name,
    type: 'action',
    codec: null,
    keep: options.keep ?? false,
    delivery: deliverySpec(name, options),
    open: async () => ({
      deliver: async ([record], { number: attempt, signal }) => {
        if (record === undefined) return
        const { id, key, time, value } = record
        await fn(value, { id, key, time, attempt, signal })
      },
      close: async () => {},
    }),
  }
}

const actionOptionNames = [
  'retries',
  'backoff',
  'backoffMax',
  'timeout',
  'concurrency',
  'order',
  'rate',
  'breakAfter',
  'keep',
] as const satisfies readonly (keyof ActionOptions)[]
