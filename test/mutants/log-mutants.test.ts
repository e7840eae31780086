/** The suite is tested: it passes the memory log and rejects each wrong one. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import {
  type LogCase,
  logConformance,
  logSubjects,
  runLogCase,
} from '../../src/log/log.conformance.ts'
import { logMutants, memorySubject } from './log-mutants.ts'

/** What a memory log can be asked for. */
const { capabilities } = memorySubject((log) => log)
const memoryCases = logConformance.filter(({ needs }) =>
  needs.every((need) => capabilities.includes(need)),
)

type Wrap = (typeof logMutants)[number]['wrap']

/** The first of these cases that fails and its error; null where the log passes all. */
async function rejection(
  wrap: Wrap,
  cases: readonly LogCase[],
): Promise<{ failed: LogCase; error: unknown } | null> {
  for (const failed of cases) {
    try {
      await runLogCase(failed, memorySubject(wrap))
    } catch (error) {
      return { failed, error }
    }
  }
  return null
}

test('the memory log itself passes, wrapped as the wrong ones are', async () => {
  const found = await rejection((log) => log, memoryCases)
  assert.equal(found, null, `${found?.failed.title}: ${String(found?.error)}`)
})

for (const { name, breaks, wrap } of logMutants) {
  test(`${breaks} the suite rejects a log that ${name}`, async () => {
    const cases = memoryCases.filter((logCase) => logCase.id === breaks)
    assert.notEqual(await rejection(wrap, cases), null, `every case of ${breaks} passed`)
  })
}

test('C10 random use alone rejects most wrong logs', async () => {
  const cases = memoryCases.filter((logCase) => logCase.id === 'C10')
  let rejectedCount = 0
  for (const { wrap } of logMutants) {
    if ((await rejection(wrap, cases)) !== null) rejectedCount += 1
  }
  assert.ok(rejectedCount >= 14, `${rejectedCount} of ${logMutants.length}`)
})

test('every subject has cases, every title starts with its id and is unique', () => {
  const ids = new Set(logConformance.map((logCase) => logCase.id))
  assert.deepEqual([...ids].toSorted(), Object.keys(logSubjects).toSorted())
  const titles = logConformance.map((logCase) => logCase.title)
  assert.equal(new Set(titles).size, titles.length)
  for (const { id, title } of logConformance) assert.ok(title.startsWith(`${id} `), title)
})
