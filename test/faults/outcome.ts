/** What the fault tests look at again and again: how far a pipeline is, and whether lines agree. */
import assert from 'node:assert/strict'
import type { Log } from '../../src/log/log.ts'
import * as scenario from './scenario.ts'

const waitMsMax = 60_000

/** Sum of the committed offsets. */
export async function committed(log: Log): Promise<number> {
  const groups = await log.groups()
  const own = groups.find((group) => group.group === 'faults')
  return own === undefined ? 0 : own.offsets.reduce((total, each) => total + each.offset, 0)
}

/** Whether every input of the pipeline, its repartition topic included, is committed to its end. */
export async function isCaughtUp(log: Log): Promise<boolean> {
  const group = (await log.groups()).find((each) => each.group === 'faults')
  if (group === undefined) return false
  const topics = await log.listTopics()
  const inputs = topics.filter(
    ({ name }) => name === scenario.inTopic || name.endsWith('.repartition'),
  )
  return inputs.every(({ name, partitions }) =>
    partitions.every(({ partition, endOffset }) =>
      group.offsets.some(
        (each) => each.topic === name && each.partition === partition && each.offset === endOffset,
      ),
    ),
  )
}

export function sameLines(
  actual: readonly string[],
  expected: readonly string[],
  what: string,
): void {
  const at = expected.findIndex((line, i) => line !== actual[i])
  if (at >= 0)
    assert.equal(actual[at], expected[at], `${what}: line ${at} of ${expected.length} differs`)
  assert.equal(actual.length, expected.length, `${what}: number of results`)
}

/** Looks every few milliseconds. @throws an assertion error after a minute */
export async function waitUntil(
  what: string,
  isMet: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + waitMsMax
  while (!(await isMet())) {
    assert.ok(Date.now() < deadline, `waited too long until ${what}`)
    await pause(5)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
