/** Finds the step whose results differ between two runs of one input. */
import { systemClock } from '../../core/clock.ts'
import type { InputRecord } from './simulation-input.ts'
import { runOnce } from './simulation.ts'
import type { Subject } from './subject.ts'
import { textOf } from './throwing.ts'

/** Runs that are compared: what chance decides may be equal in two of them. */
const runsMax = 10

/**
 * @returns the first step, in the order of the plan, that gave something else in one run than in
 * another, and the first such result; null where all runs gave the same
 */
export async function differingStep(
  subject: Subject,
  input: readonly InputRecord[],
): Promise<{ readonly step: string; readonly text: string } | null> {
  const first = await emitted(subject, input)
  for (let run = 1; run < runsMax; run++) {
    await clockMoved()
    const other = await emitted(subject, input)
    for (const step of subject.steps) {
      const [a, b] = [first.get(step) ?? [], other.get(step) ?? []]
      const at = a.findIndex((text, i) => text !== b[i])
      if (at < 0 && a.length === b.length) continue
      const i = at < 0 ? a.length : at
      return { step, text: `result ${i} was once ${a[i] ?? 'none'} and once ${b[i] ?? 'none'}` }
    }
  }
  return null
}

/** Waits until the machine's clock shows another millisecond: a function may read it. */
export function clockMoved(): Promise<void> {
  return new Promise((resolve) => void systemClock.after(2, resolve))
}

async function emitted(
  subject: Subject,
  input: readonly InputRecord[],
): Promise<Map<string, string[]>> {
  const steps = new Map<string, string[]>()
  const tap = (step: string, value: unknown, key: unknown, timeMs: number): void => {
    const list = steps.get(step) ?? []
    steps.set(step, list)
    list.push(`${textOf(key)}: ${textOf(value)} at ${timeMs}`)
  }
  await runOnce({ subject, input, faults: [], tap })
  // Tasks of several partitions take turns; each step's results are compared as a set then.
  if (subject.tasks !== 'one') for (const list of steps.values()) list.sort()
  return steps
}
