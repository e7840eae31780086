import assert from 'node:assert/strict'
import { test } from 'vitest'
import { buildPlan } from '../../src/pipeline/build-plan.ts'
import { encodeInput } from '../../src/testing/simulate/simulation-input.ts'
import { subjectOf } from '../../src/testing/simulate/subject.ts'
import { checkCase } from './check-case.ts'
import { randomCase } from './random-case.ts'
import type { RandomCase } from './case.ts'

/** Names of the steps of each part: functions cannot be compared. */
function shapeOf({ pipelines, tasks }: RandomCase): string {
  const plan = buildPlan(pipelines(), { name: 'random', repartition: tasks === 'per-partition' })
  return JSON.stringify(plan.parts.map(({ name, steps }) => [name, steps.map((one) => one.name)]))
}

test('a seed decides everything', () => {
  const texts = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const [one, other] = [randomCase(seed), randomCase(seed)]
    assert.equal(one.text, other.text)
    assert.equal(shapeOf(one), shapeOf(other))
    assert.deepEqual(one.input, other.input)
    texts.add(one.text)
  }
  assert.ok(texts.size > 55, `${texts.size} of 60 are different`)
})

test('of a real clock, nothing depends on it, and closing records end the input', () => {
  for (let seed = 0; seed < 60; seed++) {
    const one = randomCase(seed, { clock: 'real' })
    const uses = [...one.uses].join()
    assert.doesNotMatch(uses, /processing time|wall clock|early/, one.text)
    const { tasks, pipelines } = one
    const subject = subjectOf(pipelines, {
      tasks,
      startAt: 'earliest',
      settleMs: 0,
      betweenMs: 0,
    })
    const encoded = encodeInput(one.input, subject.sources)
    const [last, ...others] = encoded.map(({ timeMs }) => timeMs).toSorted((a, b) => b - a)
    assert.ok((last ?? 0) - Math.min(...others) > 100_000_000, one.text)
  }
})

test('what differs from the model is told, with the seed and the plan', async () => {
  const seed = 3
  const one = randomCase(seed)
  const { model } = one
  assert.ok(model !== null)
  const wrong = { ...one, model: { ...model, lines: () => [...model.lines(), 'out/0 x=1@1'] } }
  await assert.rejects(checkCase(seed, { case: wrong }), (thrown: Error) => {
    assert.match(thrown.message, /seed 3 fails; again: npm run sim -- --seed 3/)
    assert.match(thrown.message, /out x=1@1/)
    return thrown.message.includes(one.text)
  })
})
