/** One seed on modelled Kafka brokers that fail: the run with faults equals the run without. */
import type { FaultKind } from '../../src/testing/simulate/fault.ts'
import { faultKinds } from '../../src/testing/simulate/fault.ts'
import { BrokerWorld } from '../../src/testing/simulate/broker/broker-world.ts'
import type { SimulationReport } from '../../src/testing/simulate/simulate.ts'
import { simulateOn } from '../../src/testing/simulate/simulate.ts'
import type { MakeWorld } from '../../src/testing/simulate/world.ts'
import type { RandomCase } from './case.ts'
import { randomCase } from './random-case.ts'

/** Runs with faults of each case. */
const faultSeeds = 3
/** Members say that they live, and brokers are asked for news, all that time. */
const settleMs = 300_000

/**
 * A disk is under no broker. Input that comes in pieces has a marker behind each, so that offsets,
 * which letters name, are others.
 */
const left: readonly FaultKind[] = ['disk', 'growing-input']
const faults = faultKinds.filter((kind) => !left.includes(kind))

export interface CheckBrokersOptions {
  /** How long a failing case may be made smaller, ms. Default 20 s. */
  readonly shrinkMs?: number
  /** In place of the usual one. */
  readonly world?: MakeWorld
}

/**
 * Whether nothing in the case depends on when records arrive: over a network those of one partition
 * come before those of another. So all input is there from the start.
 */
export function isForBrokers({ text, startAt }: RandomCase): boolean {
  return startAt === 'earliest' && !/, input (?!at once)/.test(text)
}

/**
 * @returns null: the case is not for brokers
 * @throws an error that says seed, plan, difference, and how to see it again
 */
export async function checkOnBrokers(
  seed: number,
  { shrinkMs = 20_000, world = (run) => new BrokerWorld(run) }: CheckBrokersOptions = {},
): Promise<SimulationReport | null> {
  const one = randomCase(seed)
  if (!isForBrokers(one)) return null
  const { input, tasks, startAt, pipelines } = one
  const seeds = Array.from({ length: faultSeeds }, (_, i) => seed * faultSeeds + i + 1)
  const settle = `${settleMs}ms` as const
  const shrinkFor = `${shrinkMs}ms` as const
  const options = { input, tasks, startAt, seeds, faults, settle, shrinkFor }
  try {
    return await simulateOn({ world }, pipelines, options)
  } catch (thrown) {
    const hint = thrown instanceof Error && 'hint' in thrown ? `\n${String(thrown.hint)}` : ''
    const what = thrown instanceof Error ? thrown.message : String(thrown)
    const again = `npm run sim -- --on brokers --seed ${seed}`
    throw new Error(`seed ${seed} fails; again: ${again}\n${one.text}\n${what}${hint}`, {
      cause: thrown,
    })
  }
}
