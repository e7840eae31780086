/**
 * User functions that throw now and then. Which records a function throws at is decided by a hash
 * of the seed, the step and the record: so it throws at the same ones when they are processed again
 * after a crash, and in the run that the one with faults is compared with.
 */
import { messageOf } from '../../core/error.ts'
import type { Tap } from '../../engine/task-options.ts'
import { partitionOfText } from '../../log/partitioner.ts'
import type { Step } from '../../pipeline/plan.ts'
import type { Fault } from './fault.ts'

type Throws = Extract<Fault, { kind: 'throws' }>

/** Before the result of one of these depends on nothing but the record that was read. */
const plainKinds: ReadonlySet<string> = new Set([
  'source',
  'map',
  'filter',
  'flatMap',
  'keyBy',
  'branch',
  'branch-output',
  'merge',
  'map-async',
])
/**
 * Their functions are called once for each record, or the last time, right before what they give is
 * passed on.
 */
const throwingKinds: ReadonlySet<string> = new Set(['map', 'filter', 'keyBy', 'map-async'])

/**
 * Names of the steps whose functions may throw: `map`, `filter`, `keyBy` and `mapAsync` before any
 * step with state. What comes to those behind may rightly differ from run to run.
 */
export function throwingSteps(steps: readonly Step[]): ReadonlySet<string> {
  const plain = new Set<string>()
  const throwing = new Set<string>()
  for (const { name, node, inputs } of steps) {
    const kind = node.kind === 'step' ? node.spec.kind : node.kind
    if (!plainKinds.has(kind) || !inputs.every((input) => plain.has(input))) continue
    plain.add(name)
    if (throwingKinds.has(kind)) throwing.add(name)
  }
  return throwing
}

/** Faults of the pipeline's own functions: the run without faults has them too. */
export function throwsOf(faults: readonly Fault[]): readonly Throws[] {
  return faults.flatMap((fault) => (fault.kind === 'throws' ? fault : []))
}

export interface ThrowingOptions {
  readonly faults: readonly Fault[]
  /** As `throwingSteps` gave them. */
  readonly steps: ReadonlySet<string>
  readonly onThrow: (fault: Fault, step: string) => void
  /** Told what does not throw. */
  readonly next: Tap | null
}

/** null: nothing throws, and nobody wants to be told. */
export function throwingTap({ faults, steps, onThrow, next }: ThrowingOptions): Tap | null {
  const throws = throwsOf(faults)
  if (throws.length === 0) return next
  return (step, value, key, timeMs) => {
    for (const fault of steps.has(step) ? throws : []) {
      const text = `${fault.seed} ${step} ${textOf(key)} ${textOf(value)} ${timeMs}`
      if (partitionOfText(text, fault.oneIn) !== 0) continue
      onThrow(fault, step)
      throw new Error(`the simulation lets step '${step}' throw`)
    }
    next?.(step, value, key, timeMs)
  }
}

/** A value as text: equal for equal ones, whatever they are made of. */
export function textOf(value: unknown): string {
  try {
    const seen = (_name: string, one: unknown): unknown =>
      typeof one === 'bigint' ? `${one}n` : one instanceof Map ? [...one] : one
    return JSON.stringify(value, seen) ?? String(value)
  } catch (thrown) {
    return messageOf(thrown)
  }
}
