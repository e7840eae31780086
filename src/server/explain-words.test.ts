import { expect, test } from 'vitest'
import type { SourceStatus } from '../connect/source-runner.ts'
import type { TaskStatus } from '../engine/task-status.ts'
import type { TaskTime } from '../engine/run.ts'
import { explained, type Known, stepText, taskSentence } from './explain-words.ts'

const nowMs = Date.UTC(2024, 0, 1, 12)
const clicks = { topic: 'clicks', partition: 2 }
const held = {
  ...clicks,
  reachedMs: nowMs - 60_000,
  sinceMs: nowMs - 90_000,
  state: 'holds',
  hasBacklog: false,
} as const
const task: TaskTime = {
  pipeline: 'p',
  task: 'p/all',
  watermarkMs: nowMs - 60_000,
  heldBy: [held],
  inputs: [held],
  release: { kind: 'record', ...clicks, aboveMs: nowMs - 60_000, idleAtMs: null },
  steps: [],
}
const known: Known = { nowMs, sources: [], tasks: [] }

test('the partition that holds event time, since when, and what releases it', () => {
  expect(taskSentence(task, known)).toEqual({
    text:
      'Event time has reached 2024-01-01 11:59:00. It is held by partition 2 of clicks, which ' +
      'has not moved on for 1 min.',
    remedy:
      'A record of partition 2 of clicks with a time above 2024-01-01 11:59:00 moves it on. It ' +
      'never counts as idle: set idleAfter of the topic if it may be silent.',
  })
})

test.each<[string, Partial<TaskTime>, RegExp]>([
  [
    'never a record',
    { heldBy: [{ ...held, reachedMs: null }], watermarkMs: null },
    /^Event time has not begun\. .*: not one record has come from it for 1 min\.$/,
  ],
  ['a backlog', { heldBy: [{ ...held, hasBacklog: true }] }, /are not processed yet\.$/],
  ['it goes on', { heldBy: [{ ...held, sinceMs: nowMs - 500 }] }, /Records come/],
  ['several', { heldBy: [held, held, held] }, /clicks, and 2 more like it, which/],
  ['the clock', { release: { kind: 'clock' } }, /it follows the clock/],
  ['waiting for any', { release: { kind: 'any-record' } }, /idle: 'wait'/],
  ['calls', { release: { kind: 'results', pending: 3 } }, /3 calls of an asynchronous step/],
  ['no input', { release: null }, /reads nothing/],
  [
    'the future',
    {
      watermarkMs: nowMs + 86_400_000,
      inputs: [held, { ...held, partition: 5, reachedMs: nowMs + 86_400_000 }],
    },
    /24 h ahead of the clock: a record of partition 5 of clicks had a time in the future/,
  ],
])('why: %s', (_, change, words) => {
  expect(taskSentence({ ...task, ...change }, known).text).toMatch(words)
})

const source: SourceStatus<unknown> = {
  source: 'plant',
  topic: 'clicks',
  state: 'running',
  position: null,
  recordCount: 0,
  commitCount: 0,
  refusedCount: 0,
  dedupe: null,
}

test.each([
  ['running', 'runs, and gives nothing'],
  ['retrying', 'cannot be read'],
  ['ended', 'has ended'],
  ['stopped', 'was stopped'],
  ['failed', 'has failed'],
  ['elsewhere', 'is read by another process'],
] as const)('a source of the topic that is %s', (state, words) => {
  const sources = [
    { ...source, state },
    { ...source, topic: 'other', source: 'other' },
  ]
  const { text } = taskSentence(task, { ...known, sources })
  expect(text).toContain(`Its source plant ${words}`)
  expect(text).not.toContain('source other')
})

test.each([
  ['restoring', /reads its state back/],
  ['closed', /closed/],
] as const)('a task that is %s', (state, words) => {
  const status = { pipeline: 'p', task: 'p/all', state } as TaskStatus
  expect(taskSentence(task, { ...known, tasks: [status] }).text).toMatch(words)
  const other = { ...status, task: 'p/1' }
  expect(taskSentence(task, { ...known, tasks: [other] }).text).not.toMatch(words)
})

test.each([
  [null, null, 'Any record of partition 2 of clicks moves it on. It never counts as idle'],
  [0, nowMs + 5_000, 'counts as idle in 5 s (idleAfter of the topic)'],
  [0, nowMs - 1, 'about to count as idle'],
])('what releases it: above %s, idle at %s', (aboveMs, idleAtMs, words) => {
  const release = { kind: 'record', ...clicks, aboveMs, idleAtMs } as const
  expect(taskSentence({ ...task, release }, known).remedy).toContain(words)
})

test.each([
  [{ dueMs: null, clockDueMs: null }, 'Nothing is open in it'],
  [{ dueMs: nowMs + 30_000, clockDueMs: null }, 'Its next result comes when event time passes'],
  [{ dueMs: nowMs + 30_000, clockDueMs: null }, '30 s of event time away'],
  [{ dueMs: null, clockDueMs: nowMs + 2_000 }, 'The clock calls it in 2 s'],
  [{ dueMs: null, clockDueMs: nowMs }, 'The clock is about to call it'],
])('a step: %j', (change, words) => {
  const step = { step: 's', watermarkMs: nowMs, ...change }
  expect(stepText(step, nowMs)).toContain(words)
  expect(explained({ ...task, steps: [step] }, known).steps[0]?.text).toContain(words)
})
