/** The engine on a log on a simulated disk: the same results, whatever the disk does. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { count, from, json, topic, tumbling } from '../../../index.ts'
import { pipelinesOf } from '../../../pipeline/pipelines-of.ts'
import type { Fault } from '../fault.ts'
import { difference } from '../outcome.ts'
import { simulate } from '../simulate.ts'
import { runOnce } from '../simulation.ts'
import { encodeInput, inputOf } from '../simulation-input.ts'
import { subjectOf } from '../subject.ts'
import type { DiskTrouble } from '../world.ts'

interface Event {
  readonly id: string
  readonly at: number
}
const spec = { codec: json<Event>(), key: ({ id }: Event) => id, time: ({ at }: Event) => at }
const events = topic('events', { ...spec, partitions: 2 })
const counts = from(events).window(tumbling('5s')).aggregate({ n: count() }).to(topic('counts'))
const values = Array.from({ length: 60 }, (_, i): Event => ({ id: `k${i % 5}`, at: i * 400 }))
const input = inputOf(events, values)
const subject = subjectOf(() => pipelinesOf(counts), {
  tasks: 'one',
  settleMs: 3_600_000,
  betweenMs: 60_000,
  startAt: 'earliest',
})
const small: Fault = { kind: 'small-reads', records: 3, commitEveryMs: 0 }

const told: Record<DiskTrouble, RegExp> = {
  'sync-fails': /was refused: commit-unknown/,
  full: /was refused: disk-full/,
  'power-loss': /the power goes(.|\n)*process 2 starts/,
}
for (const does of ['sync-fails', 'full', 'power-loss'] as const) {
  test(`the same results with ${does} at any of the first commits`, async () => {
    const records = encodeInput(input, subject.sources)
    const expected = await runOnce({ subject, input: records, faults: [], tap: null })
    for (let at = 0; at < 12; at++) {
      const trouble: Fault = { kind: 'disk', does, at, ms: 2_500, seed: at }
      const faults = [small, trouble]
      const result = await runOnce({ subject, input: records, faults, tap: null })
      const trace = result.trace.join('\n')
      assert.equal(result.stuck, null, trace)
      assert.equal(difference(expected.outcome, result.outcome), null, trace)
      assert.match(trace, told[does])
    }
  })
}

for (const tasks of ['one', 'per-partition'] as const) {
  test(`a failing disk among crashes and pauses, tasks: ${tasks}`, async () => {
    const faults = ['disk', 'crash', 'pause', 'answer-lost', 'small-reads'] as const
    const report = await simulate(counts, { input, seeds: 60, faults, tasks })
    assert.ok(report.faults.disk > 8, JSON.stringify(report))
  })
}

test('a run that a full disk does not let begin is started again after a while', async () => {
  const spread = from(events)
    .keyBy(({ at }) => `${at % 3}`)
    .window(tumbling('5s'))
    .aggregate({ n: count() })
    .to(topic('spread'))
  const divided = subjectOf(() => pipelinesOf(spread), {
    tasks: 'per-partition',
    settleMs: 3_600_000,
    betweenMs: 60_000,
    startAt: 'earliest',
  })
  const records = encodeInput(input, divided.sources)
  const run = (...faults: Fault[]): ReturnType<typeof runOnce> =>
    runOnce({ subject: divided, input: records, faults, tap: null })
  const expected = await run()
  let restarts = 0
  for (let at = 0; at < 6; at++) {
    const full: Fault = { kind: 'disk', does: 'full', at, ms: 2_500, seed: at }
    const dying: Fault = { kind: 'crash', when: 'after-commit', at }
    const dead: Fault = { kind: 'crash', when: 'before-commit', at: at + 1 }
    const result = await run(small, full, dying, dead)
    const trace = result.trace.join('\n')
    assert.equal(result.stuck, null, trace)
    assert.equal(difference(expected.outcome, result.outcome), null, trace)
    const count = trace.split('ended: no room').length - 1
    assert.ok(count < 10, trace)
    restarts += count
  }
  assert.ok(restarts > 0)
})
