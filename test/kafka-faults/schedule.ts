/**
 * Which faults come, to whom, and for how long: all of it follows from the seed. Two lanes go on
 * side by side, so that a process may be killed while a broker is away; within a lane one fault
 * follows the other. Each lane draws its kinds from a bag that holds every kind, so that none is
 * left out for long.
 */
import { seededRandom } from '../../src/core/random.ts'
import type { Random } from '../../src/core/random.ts'

export const processKinds = {
  /** kill -9, and started again at once. */
  kill: { minMs: 0, maxMs: 500 },
  /** kill -9, and started again when others have taken over. */
  killAndStayAway: { minMs: 9_000, maxMs: 11_000 },
  /** SIGSTOP for longer than session and transaction time-outs, then SIGCONT. */
  zombie: { minMs: 15_000, maxMs: 18_000 },
  /** SIGTERM, an orderly end, and started again. */
  stop: { minMs: 0, maxMs: 3_000 },
  /** A fourth process joins, and is asked to end. */
  fourth: { minMs: 5_000, maxMs: 9_000 },
} as const

export const brokerKinds = {
  /** kill -9, and started again when its partitions have other leaders. */
  brokerKill: { minMs: 12_000, maxMs: 15_000 },
  /** SIGSTOP, long enough or not for the others to notice, then SIGCONT. */
  brokerPause: { minMs: 3_000, maxMs: 14_000 },
} as const

export type ProcessKind = keyof typeof processKinds
export type BrokerKind = keyof typeof brokerKinds

export interface PlannedFault<K> {
  readonly kind: K
  /** Index of the process or broker. */
  readonly target: number
  /** How long it is stopped, away or there. */
  readonly holdMs: number
  /** Rest before the next one, once output has come again. */
  readonly restMs: number
}

const targets = 3
const restMs = { process: { minMs: 500, maxMs: 2_500 }, broker: { minMs: 8_000, maxMs: 18_000 } }

/** Process faults without end. The frequent ones are in the bag twice. */
export function processFaults(seed: number): Generator<PlannedFault<ProcessKind>> {
  const bag = [...(Object.keys(processKinds) as ProcessKind[]), 'kill', 'stop'] as const
  return faultsOf(seededRandom(seed * 2 + 1), bag, processKinds, restMs.process)
}

export function brokerFaults(seed: number): Generator<PlannedFault<BrokerKind>> {
  const kinds = Object.keys(brokerKinds) as BrokerKind[]
  return faultsOf(seededRandom(seed * 2 + 2), kinds, brokerKinds, restMs.broker)
}

interface Span {
  readonly minMs: number
  readonly maxMs: number
}

function* faultsOf<K extends string>(
  random: Random,
  kinds: readonly K[],
  spans: Readonly<Record<K, Span>>,
  rest: Span,
): Generator<PlannedFault<K>> {
  for (;;) {
    const bag = [...kinds]
    while (bag.length > 0) {
      const [kind] = bag.splice(random.int(bag.length), 1) as [K]
      yield {
        kind,
        target: random.int(targets),
        holdMs: within(random, spans[kind]),
        restMs: within(random, rest),
      }
    }
  }
}

function within(random: Random, { minMs, maxMs }: Span): number {
  return minMs + random.int(maxMs - minMs + 1)
}
