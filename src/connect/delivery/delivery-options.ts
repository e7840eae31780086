/** How a sink's records are delivered: what users give, checked and resolved. */
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'

export interface DeliveryOptions {
  /**
   * Tries of a record after the first one, before it becomes a dead letter. 0 to 1000. Default 8.
   * Where the destination is away (`sink-unavailable`, no connection), tries do not count.
   */
  readonly retries?: number
  /** Before the second try; then twice as long each time, the half of it by chance. Default
   * `'100ms'`. */
  readonly backoff?: Duration
  /** Longest pause between tries. Default `'30s'`. */
  readonly backoffMax?: Duration
  /** For one try. Default `'30s'`. */
  readonly timeout?: Duration
  /** Tries at a time, in one process. 1 to 1000. Default 8. */
  readonly concurrency?: number
  /**
   * What is delivered in order: the records of a key (default), all of a partition, or nothing.
   */
  readonly order?: 'key' | 'partition' | 'none'
  /** Records given at once, at most. 1 to 10,000. Default: as the sink has it. */
  readonly batch?: number
  /** Records a second, at most, in one process; evenly over time. Default: no limit. */
  readonly rate?: number
  /**
   * So many different tries that failed, without one between that succeeded, say that the
   * destination is away. 1 to 1000. Default 5.
   */
  readonly breakAfter?: number
  /**
   * Whether records stay in the outbox after their delivery, as long as the topic's retention says.
   * Default false: they are deleted.
   */
  readonly keep?: boolean
}

/** All of it, in ms. */
export interface DeliverySpec {
  readonly retries: number
  readonly backoffMs: number
  readonly backoffMsMax: number
  readonly timeoutMs: number
  readonly concurrency: number
  readonly order: 'key' | 'partition' | 'none'
  readonly batch: number
  /** null: no limit. */
  readonly perSecondMax: number | null
  readonly breakAfter: number
}

/** As far as a sink has its own. */
export interface DeliveryDefaults {
  readonly batch: number
  readonly order: 'key' | 'partition' | 'none'
  readonly concurrency: number
}

export const deliveryOptionNames = [
  'retries',
  'backoff',
  'backoffMax',
  'timeout',
  'concurrency',
  'order',
  'batch',
  'rate',
  'breakAfter',
  'keep',
] as const satisfies readonly (keyof DeliveryOptions)[]

/**
 * The delivery of a sink of one's own: options of its user, checked, over what fits the sink.
 * @param sink its name, for errors
 * @param defaults what fits it; without: one record a try, in order by key, 8 tries at a time
 * @throws `invalid-argument` · `invalid-duration`
 * @example
 * const delivery = deliverySpec('shelf', { retries: 3, timeout: '5s' })
 */
export function deliverySpec(
  sink: string,
  options: DeliveryOptions,
  defaults: DeliveryDefaults = { batch: 1, order: 'key', concurrency: 8 },
): DeliverySpec {
  const { order = defaults.order, rate, keep = false } = options
  const count = (name: keyof DeliveryOptions, fallback: number, least: number, most: number) => {
    const value = options[name] ?? fallback
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most)
      return Number(value)
    throw refused(sink, name, value, `a whole number from ${least} to ${most}`)
  }
  const ms = (name: 'backoff' | 'backoffMax' | 'timeout', fallback: Duration): number => {
    const value = durationMs(options[name] ?? fallback, name)
    if (value >= 1) return value
    throw refused(sink, name, options[name], "at least '1ms'")
  }
  if (order !== 'key' && order !== 'partition' && order !== 'none')
    throw refused(sink, 'order', order, "'key', 'partition' or 'none'")
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0))
    throw refused(sink, 'rate', rate, 'a number above 0, records a second')
  if (typeof keep !== 'boolean') throw refused(sink, 'keep', keep, 'true or false')
  const backoffMs = ms('backoff', '100ms')
  return {
    retries: count('retries', 8, 0, 1_000),
    backoffMs,
    backoffMsMax: Math.max(backoffMs, ms('backoffMax', '30s')),
    timeoutMs: ms('timeout', '30s'),
    concurrency: count('concurrency', defaults.concurrency, 1, 1_000),
    order,
    batch: count('batch', defaults.batch, 1, 10_000),
    perSecondMax: rate ?? null,
    breakAfter: count('breakAfter', 5, 1, 1_000),
  }
}

function refused(sink: string, option: string, value: unknown, allowed: string): MillraceError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value)
  return new MillraceError('invalid-argument', `${option} of sink '${sink}' cannot be ${shown}`, {
    hint: `use ${allowed}`,
  })
}
