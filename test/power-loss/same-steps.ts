/**
 * Steps that are done on the real embedded log under a recorded disk and on the simulated one, so
 * that the model is held against what it is a model of where no suite for logs can look: what is
 * left after a failed sync, a full disk, a process that died, and a power cut in the end.
 */
import assert from 'node:assert/strict'
import { isCode } from '../../src/core/error.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { BatchBuilder } from '../../src/log/batch.ts'
import type { Log } from '../../src/log/log.ts'

/**
 * `append`: acknowledged. `fails`: its sync fails, the outcome is unknown. `full`: there is no room
 * for it. `close`, `die`: the log is opened again after it.
 */
export type Step = `append ${string}` | `fails ${string}` | `full ${string}` | 'close' | 'die'

export interface SameCase {
  readonly title: string
  readonly steps: readonly Step[]
  /** What may be there after the power cut: values in order. */
  readonly allowed: readonly string[]
}

export const sameCases: readonly SameCase[] = [
  { title: 'what was acknowledged is there', steps: ['append a', 'append b'], allowed: ['ab'] },
  { title: 'a failed sync leaves it open', steps: ['append a', 'fails b'], allowed: ['a', 'ab'] },
  {
    title: 'what comes after a failed sync is there',
    steps: ['append a', 'fails b', 'append c'],
    allowed: ['ac', 'abc'],
  },
  {
    title: 'and after several',
    steps: ['append a', 'fails b', 'fails c', 'append d'],
    allowed: ['ad', 'abd', 'acd', 'abcd'],
  },
  {
    title: 'what comes after a failed sync and a death is there',
    steps: ['append a', 'fails b', 'die', 'append c'],
    allowed: ['ac', 'abc'],
  },
  {
    title: 'and after two of both',
    steps: ['append a', 'fails b', 'die', 'fails c', 'die', 'append d'],
    allowed: ['ad', 'abd', 'acd', 'abcd'],
  },
  {
    title: 'what comes after a failed sync and an orderly end is there',
    steps: ['append a', 'fails b', 'close', 'append c'],
    allowed: ['ac', 'abc'],
  },
  {
    title: 'what was seen after a death stays, though nothing came after it',
    steps: ['append a', 'fails b', 'die', 'die'],
    allowed: ['a', 'ab'],
  },
  {
    title: 'what found no room is not there',
    steps: ['append a', 'full b', 'append c', 'full d'],
    allowed: ['ac'],
  },
  {
    title: 'nor after a death',
    steps: ['append a', 'full b', 'die', 'append c'],
    allowed: ['ac'],
  },
]

export const topic = 't'
/** More than the room that there is on the full disk. */
const largeBytes = 4 << 20

/** Does `append`, `fails` or `full`; how it ends must be what the step says. */
export async function appendStep(
  log: Log,
  step: Step,
  failures: readonly ErrorCode[] = ['commit-unknown'],
): Promise<void> {
  const [what, value = ''] = step.split(' ')
  const builder = new BatchBuilder()
  builder.add(what === 'full' ? Buffer.alloc(largeBytes) : null, value, 1)
  const appended = log.append([{ topic, partition: 0, bytes: builder.finish() }])
  if (what === 'append') return void (await appended)
  const codes = what === 'full' ? (['disk-full'] as const) : failures
  await assert.rejects(appended, (thrown) => codes.some((code) => isCode(thrown, code)), step)
}

export async function valuesIn(log: Log): Promise<string> {
  const reader = await log.openReader([{ topic, partition: 0, offset: 0 }])
  let values = ''
  for (let batch = reader.poll(0); batch !== null; batch = reader.poll(0)) {
    for (let i = batch.first; i < batch.count; i++) values += batch.value(i)?.toString() ?? ''
  }
  await reader.close()
  return values
}
