/** `mapAsync`: its options and what its function is told. */
import { durationMs, formatDuration } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { MillraceError } from '../core/error.ts'
import { checked, refuse } from './checked.ts'
import type { CallSpec, MapAsyncSpec } from './map-async-spec.ts'
import type { Node, StepNode } from './node.ts'
import { stepNode } from './step-node.ts'

/** How a step calls the world outside. */
export interface CallOptions {
  /** Calls at a time, of each task, from 1 to 10,000. Default 16. */
  readonly concurrency?: number
  /**
   * How long an attempt may take, from `'1ms'`; `'forever'`: no limit. Default `'30s'`. A function
   * that goes on after it, in spite of its `signal`, is no longer counted in `concurrency`.
   */
  readonly timeout?: Duration | 'forever'
  /** How often a call is repeated that has failed or timed out, from 0. Default 0. */
  readonly retries?: number
  /**
   * Pause before the first repeat, from `'0ms'`; it doubles with each further one, up to 30 s.
   * Default `'100ms'`.
   */
  readonly backoff?: Duration
}

/** Options of `mapAsync`. */
export interface MapAsyncOptions extends CallOptions {
  /** In which order results come: that of the records. */
  readonly order?: 'input'
}

/** What the function of `mapAsync` is told beside the value. */
export interface MapAsyncInfo<K> {
  /** Aborted at the timeout, and when the task ends. */
  readonly signal: AbortSignal
  /** 1, 2, … */
  readonly attempt: number
  readonly key: K
  /** Event time, ms since 1970. */
  readonly time: number
}

const concurrencyMax = 10_000

/** @throws `invalid-argument` · `invalid-duration` */
export function mapAsyncNode(input: Node, fn: unknown, options: MapAsyncOptions): StepNode {
  const { order = 'input' } = options
  if (order !== 'input') throw refuse("mapAsync gives results in order 'input'", order)
  const call = checked(fn, 'mapAsync') as unknown as MapAsyncSpec['fn']
  const calls = callSpec(options, 'mapAsync')
  return stepNode(
    [input],
    { kind: 'map-async', fn: call, calls },
    { label: 'map-async', method: '.mapAsync()', asynchronous: true, settings: callText(calls) },
  )
}

/** @throws `invalid-argument` · `invalid-duration` */
export function callSpec(options: CallOptions, method: string): CallSpec {
  const { concurrency = 16, timeout = '30s', retries = 0, backoff = '100ms' } = options
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyMax) {
    throw refuse(`concurrency of ${method} is a whole number from 1 to 10,000`, concurrency)
  }
  if (!Number.isInteger(retries) || retries < 0) {
    throw refuse(`retries of ${method} is a whole number from 0`, retries)
  }
  const timeoutMs = timeout === 'forever' ? Infinity : durationMs(timeout, 'timeout')
  if (timeoutMs === 0) {
    throw new MillraceError('invalid-duration', `timeout of ${method} is nothing`, {
      hint: "give the call some time: timeout: '30s'",
    })
  }
  return { concurrency, timeoutMs, retries, backoffMs: durationMs(backoff, 'backoff') }
}

/** As a plan shows it. */
export function callText(calls: CallSpec): Record<string, string> {
  const { concurrency, timeoutMs, retries, backoffMs } = calls
  return {
    concurrency: String(concurrency),
    timeout: timeoutMs === Infinity ? 'none' : formatDuration(timeoutMs),
    retries: retries === 0 ? '0' : `${retries}, the first after ${formatDuration(backoffMs)}`,
  }
}
