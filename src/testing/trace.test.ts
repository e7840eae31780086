/** What the trace of a pipeline under test tells. */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { count, countWindow, cumulative, from, output, session, sliding } from '../index.ts'
import { string, topic, trailing, tumbling, within } from '../index.ts'
import type { Pipeline } from '../pipeline/node.ts'
import type { PipelineTest } from './pipeline-test.ts'
import { testPipeline } from './test-pipeline.ts'

const words = topic('words', { codec: string(), key: (word) => word, idleAfter: '5s' })
const traced = (pipeline: Pipeline): PipelineTest => testPipeline(pipeline, { trace: true })

/** Lines of some kinds. */
function lines(test: PipelineTest, ...kinds: string[]): string[] {
  const all = test.trace().split('\n')
  return all.map((line) => line.trim()).filter((line) => kinds.includes(line.split('  ')[0] ?? ''))
}

test('the trace tells what happened and why', () => {
  const counts = from(words)
    .map((word) => {
      if (word === '') throw new Error('empty')
      return word
    })
    .named('check')
    .window(tumbling('10s'))
    .aggregate({ n: count() })
    .named('count')
    .to(topic('counts'))
  const test = testPipeline(counts, { trace: true })
  test.push(words, 'a', { time: 1000 })
  test.push(words, '', { time: 2000 })
  test.push(words, 'b', { time: 12_000 })
  test.push(words, 'a', { time: 3000 })
  test.advance('10s', { every: '4s' })
  expect(test.trace()).toMatchInlineSnapshot(`
    "clock 0s
      record      words/0@0 key "a" at 1s: a
      gives       check key "a" at 1s: "a"
      opens       count key "a" window 0s – 10s
      event time  begins at 1s, held by words/0
      record      words/0@1 key "" at 2s: 
      event time  1s → 2s, held by words/0
      dead        words/0@1 in check: step-failed: empty; kept in words.dead/0@0
      record      words/0@2 key "b" at 12s: b
      gives       check key "b" at 12s: "b"
      opens       count key "b" window 10s – 20s
      event time  2s → 12s, held by words/0
      closes      count key "a" window 0s – 10s
      gives       count key "a" at 9.999s: {"key":"a","window":{"start":0,"end":10000},"n":1}
      written     counts/0@0 key "a": {"key":"a","window":{"start":0,"end":10000},"n":1}
      record      words/0@3 key "a" at 3s: a
      gives       check key "a" at 3s: "a"
      late        words/0@3 in count: complete at 10s, event time is 12s; kept in words.late/0@0
    clock 4s
    clock 5s
      input       words/0 is idle
    clock 8s
      event time  12s → 15s
    clock 10s
      event time  15s → 17s
    "
  `)
  assert.equal(test.trace(), '')
})

test('the trace shows timers, and tasks by name', () => {
  const users = topic('users', { codec: string(), key: (user) => user })
  const quiet = from(users)
    .process({
      state: {},
      emits: output<string>(),
      onRecord: (_user, { timers }) => timers.event(7000),
      onTimer: (_timer, { emit }) => emit('quiet'),
    })
    .named('watch')
    .to(topic('quiet', { codec: string() }))
  const test = testPipeline(quiet, { trace: true, tasks: 'per-partition' })
  test.push(users, 'u', { time: 1000 })
  test.push(users, 'u', { time: 9000 })
  expect(test.trace()).toMatchInlineSnapshot(`
    "clock 0s
      record      users/0@0 key "u" at 1s: u
      sets        watch key "u" timer at 7s
      event time  begins at 1s, held by users/0
      record      users/0@1 key "u" at 9s: u
      event time  1s → 9s, held by users/0
      fires       watch key "u" timer at 7s
      gives       watch key "u" at 7s: "quiet"
      written     quiet/0@0 key "u": quiet
    "
  `)
})

test('a session that grows or takes in another is extended', () => {
  const visits = topic('visits', { codec: string(), key: (word) => word, outOfOrder: '20s' })
  const sessions = from(visits)
    .window(session('5s'))
    .aggregate({ n: count() })
    .named('count')
    .to(topic('counts'))
  const test = traced(sessions)
  for (const time of [1000, 9000, 5000, 40_000]) test.push(visits, 'a', { time })
  expect(lines(test, 'opens', 'extends', 'closes')).toMatchInlineSnapshot(`
    [
      "opens       count key "a" window 1s – 6s",
      "opens       count key "a" window 9s – 14s",
      "extends     count key "a" window 1s – 14s",
      "opens       count key "a" window 40s – 45s",
      "closes      count key "a" window 1s – 14s",
    ]
  `)
})

test('windows that a record opens at once are one line', () => {
  const rates = from(words)
    .window(sliding('1m', { every: '10s' }))
    .aggregate({ n: count() })
    .named('rate')
    .to(topic('rates'))
  const test = traced(rates)
  test.push(words, 'a', { time: 1_000_000 })
  test.push(words, 'b', { time: 1_025_000 })
  expect(lines(test, 'opens', 'closes')).toMatchInlineSnapshot(`
    [
      "opens       rate key "a" window 950s – 1010s, … 6 windows, the last 1000s – 1060s",
      "opens       rate key "b" window 970s – 1030s, … 6 windows, the last 1020s – 1080s",
      "closes      rate key "a" window 950s – 1010s",
      "closes      rate key "a" window 960s – 1020s",
    ]
  `)
})

test('timers of the wall clock, timers with names, timers that are taken back', () => {
  const waits = from(words)
    .keyBy((word) => word.slice(0, 1))
    .process({
      state: {},
      emits: output<string>(),
      onRecord: (word, { timers }) => {
        if (word.endsWith('!')) timers.cancel('event', 'slow')
        else {
          timers.event(60_000, 'slow')
          timers.processing(3000)
        }
      },
      onTimer: (timer, { emit }) => emit(timer.kind),
    })
    .named('wait')
    .to(topic('waits', { codec: string() }))
  const test = traced(waits)
  test.push(words, 'a', { time: 1000 })
  test.push(words, 'a!', { time: 2000 })
  test.advance('4s')
  expect(lines(test, 'sets', 'fires', 'cancels', 'gives')).toMatchInlineSnapshot(`
    [
      "gives       words.key-by key "a" at 1s: "a"",
      "sets        wait key "a" timer at clock 3s",
      "sets        wait key "a" timer 'slow' at 60s",
      "gives       words.key-by key "a" at 2s: "a!"",
      "cancels     wait key "a" timer 'slow' at 60s",
      "fires       wait key "a" timer at clock 3s",
      "gives       wait key "a" at 2s: "processing"",
    ]
  `)
})

test('steps that tell of no windows say what they wait for; a window behind them lags', () => {
  const orders = topic('orders', { codec: string(), key: (order) => order })
  const pipeline = from(words)
    .join(from(orders), within('5s'))
    .named('pair')
    .window(tumbling('10s'))
    .aggregate({ n: count() })
    .named('pairs')
    .to(topic('pairs'))
  const test = traced(pipeline)
  for (const time of [1000, 13_000, 30_000]) {
    test.push(orders, 'a', { time })
    test.push(words, 'a', { time })
  }
  expect(lines(test, 'opens', 'closes', 'waits', 'event time')).toMatchInlineSnapshot(`
    [
      "waits       pair for event time 10s",
      "opens       pairs key "a" window 0s – 10s",
      "event time  begins at 1s, held by words/0, orders/0",
      "opens       pairs key "a" window 10s – 20s",
      "event time  1s → 13s, held by words/0, orders/0",
      "closes      pairs key "a" window 0s – 10s",
      "waits       pair for event time 20s",
      "opens       pairs key "a" window 30s – 40s",
      "event time  13s → 30s, held by words/0, orders/0",
      "closes      pairs key "a" window 10s – 20s",
      "waits       pair for event time 40s",
    ]
  `)
})

test('an input that falls idle before event time has begun', () => {
  const test = traced(from(words).window(tumbling('10s')).aggregate({ n: count() }).to(topic('n')))
  test.idle()
  test.push(words, 'a', { time: 1000 })
  assert.deepEqual(lines(test, 'input'), [
    'input       words/0 is idle',
    'input       words/0 is active again',
  ])
})

test('tracing changes nothing', () => {
  const wide = topic('wide', { codec: string(), key: (word) => word, partitions: 3 })
  const pipeline = from(wide)
    .keyBy((word) => word.slice(0, 1))
    .window(tumbling('10s'))
    .aggregate({ n: count() })
    .to(topic('counts'))
  const [first, second] = [true, false].map((trace) => {
    const test = testPipeline(pipeline, { tasks: 'per-partition', trace })
    for (let i = 0; i < 40; i++) test.push(wide, `${i % 7}-${i}`, { time: ((i * 37) % 40) * 1000 })
    test.advance('1h')
    return [...test.records('counts'), ...test.late()]
  })
  assert.ok((first?.length ?? 0) > 20)
  assert.deepEqual(first, second)
})

test('with several tasks each line of one has its name', () => {
  const wide = topic('wide', { codec: string(), key: (word) => word, partitions: 2 })
  const pipeline = from(wide)
    .keyBy((word) => word.slice(0, 1))
    .named('first')
    .window(tumbling('10s'))
    .aggregate({ n: count() })
    .named('count')
    .to(topic('counts'))
  const test = testPipeline(pipeline, { tasks: 'per-partition', trace: true })
  for (const word of ['ab', 'ac', 'ad', 'ae']) test.push(wide, word, { time: 1000 })
  const opened = lines(test, 'opens')
  assert.deepEqual(opened.length, 1)
  assert.ok(test.tasks().some((name) => opened[0]?.includes(`opens       ${name}  count key "a"`)))
})

test('windows of other kinds: trailing, growing, of the wall clock, by number', () => {
  const windows = {
    trailing: trailing('5s'),
    growing: cumulative('4s', { within: '8s' }),
    clock: tumbling('10s', { time: 'processing' }),
    number: countWindow(2),
  }
  const told = Object.entries(windows).map(([name, window]) => {
    const test = traced(
      from(words)
        .window(window as typeof windows.trailing)
        .aggregate({ n: count() })
        .named(name)
        .to(topic('counts')),
    )
    for (const time of [1000, 7000]) test.push(words, 'a', { time })
    test.advance('11s')
    return lines(test, 'opens', 'closes')
  })
  expect(told).toMatchInlineSnapshot(`
    [
      [
        "opens       trailing key "a" window -3.999s – 1.001s",
        "opens       trailing key "a" window 2.001s – 7.001s",
        "closes      trailing key "a" window -3.999s – 1.001s",
        "closes      trailing key "a" window 2.001s – 7.001s",
      ],
      [
        "opens       growing key "a" window 0s – 4s",
        "opens       growing key "a" window 0s – 8s",
        "closes      growing key "a" window 0s – 4s",
        "closes      growing key "a" window 0s – 8s",
      ],
      [
        "opens       clock key "a" window 0s – 10s",
        "closes      clock key "a" window 0s – 10s",
      ],
      [],
    ]
  `)
})

test('a window that takes late records does not open again', () => {
  const told = [tumbling('10s'), session('5s')].map((window) => {
    const test = traced(
      from(words)
        .window(window as ReturnType<typeof tumbling>, { lateness: '1m' })
        .aggregate({ n: count() })
        .named('count')
        .to(topic('counts')),
    )
    for (const time of [1000, 12_000, 2000, 100_000]) test.push(words, 'a', { time })
    assert.equal(test.outputs('counts').length, 3)
    return lines(test, 'opens', 'closes')
  })
  expect(told).toMatchInlineSnapshot(`
    [
      [
        "opens       count key "a" window 0s – 10s",
        "opens       count key "a" window 10s – 20s",
        "closes      count key "a" window 0s – 10s",
        "opens       count key "a" window 100s – 110s",
        "closes      count key "a" window 10s – 20s",
      ],
      [
        "opens       count key "a" window 1s – 6s",
        "opens       count key "a" window 12s – 17s",
        "closes      count key "a" window 1s – 6s",
        "opens       count key "a" window 100s – 105s",
        "closes      count key "a" window 12s – 17s",
      ],
    ]
  `)
})
