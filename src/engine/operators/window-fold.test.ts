import assert from 'node:assert/strict'
import { test } from 'vitest'
import { collect, count, from, string, topic, tumbling } from '../../index.ts'
import type { Duration } from '../../core/duration.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import type { PipelineTest } from '../../testing/pipeline-test.ts'

const words = topic('words', { codec: string(), key: 'record', idleAfter: '1m' })
const late30 = topic('words', { codec: string(), key: 'record', outOfOrder: '30s' })
const out = topic('out')

interface Result {
  readonly key: string
  readonly window: { readonly start: number; readonly end: number; readonly revision?: number }
  readonly n: number
}

function open(lateness: Duration = '0ms', source = words): PipelineTest {
  return testPipeline(
    from(source)
      .window(tumbling('10s'), { lateness })
      .aggregate({ n: count() })
      .named('count')
      .to(out),
  )
}

/** `k[0,10000)=1`, with `#2` for a second revision. Results of key `wm` only move event time. */
function shown(test: PipelineTest, isNew: (line: string, i: number) => boolean): string[] {
  const results = (test.outputs('out') as Result[]).map(
    ({ key, window: { start, end, revision }, n }) => {
      return `out ${key}[${start},${end})=${n}${revision === undefined ? '' : `#${revision}`}`
    },
  )
  const late = test.late().map(({ key, offset }) => `late ${key} offset ${offset}`)
  return [...results, ...late].filter((line) => !line.includes(' wm[')).filter(isNew)
}

/** Each line: what happens | what comes out. `wm 10` moves event time to 10, `clock` the clock. */
function cases(title: string, make: () => PipelineTest, text: string): void {
  test(title, () => {
    const pipeline = make()
    const seen = new Set<string>()
    for (const line of text.trim().split('\n')) {
      const [act = '', expected = ''] = line.split('|').map((part) => part.trim())
      const [word, ...rest] = act.split(/ +/)
      if (word === 'clock') pipeline.advance(rest[0] as Duration)
      else if (word === 'idle') pipeline.idle()
      else {
        for (const one of word === 'wm' ? [`wm@${rest[0]}`] : rest) {
          const [key = '', time] = one.split('@')
          pipeline.push(words, 'value', { key, time: Number(time) })
        }
      }
      const fresh = shown(pipeline, (shownLine) => !seen.has(shownLine))
      for (const one of fresh) seen.add(one)
      assert.deepEqual(fresh.join('; '), expected, line)
    }
  })
}

cases(
  'tumbling 10s: the start belongs to a window, the end to the next one',
  open,
  `
  in k@0 k@9999         |
  in k@10000            | out k[0,10000)=2
  wm 20000              | out k[10000,20000)=1`,
)

cases(
  'one result for each key, in order of key, windows in order of end',
  open,
  `
  in b@5 a@6 b@7        |
  in c@15000            | out a[0,10000)=1; out b[0,10000)=2
  in d@21000 e@45000    | out c[10000,20000)=1; out d[20000,30000)=1`,
)

cases(
  'several windows close at once, in order',
  () => open('0ms', late30),
  `
  in k@25000 k@5 k@12000 |
  wm 60000               | out k[0,10000)=1; out k[10000,20000)=1; out k[20000,30000)=1`,
)

cases(
  'lateness 5s: an update until end + lateness, exclusive',
  () => open('5s'),
  `
  in k@9999             |
  wm 10000              | out k[0,10000)=1
  in k@9998             | out k[0,10000)=2#1
  wm 14999              |
  in k@0 j@1            | out k[0,10000)=3#2; out j[0,10000)=1#1
  wm 15000              |
  in k@9997             | late k offset 7`,
)

cases(
  'without lateness the end itself is too late for the window before',
  open,
  `
  in k@9999             |
  wm 9999               |
  in k@9998             |
  wm 10000              | out k[0,10000)=2
  in k@9999             | late k offset 4`,
)

cases(
  'out of order within outOfOrder nothing is late',
  () => open('0ms', late30),
  `
  in k@5000 k@34999     |
  in k@4000 k@4999      |
  wm 40000              | out k[0,10000)=3`,
)

cases(
  'duplicates are records like others; the empty key is a key',
  open,
  `
  in k@1 k@1 @2 @2      |
  wm 10000              | out [0,10000)=2; out k[0,10000)=2`,
)

cases(
  'negative time',
  open,
  `
  in k@-1 k@-10000      |
  in k@0                | out k[-10000,0)=2
  in k@-10001           | late k offset 3`,
)

cases(
  'idle: the last window closes at the pace of the clock',
  open,
  `
  in k@4000             |
  clock 60s             |
  clock 5999ms          |
  clock 1ms             | out k[0,10000)=1`,
)

cases(
  'idle at once, then a record that is late by then',
  open,
  `
  in k@4000             |
  idle                  |
  clock 6s              | out k[0,10000)=1
  in k@9999             | late k offset 1`,
)

test('huge times: the largest Date has a window, what is beyond is refused', () => {
  const pipeline = open()
  pipeline.push(words, 'v', { key: 'k', time: 8.64e15 - 1 })
  pipeline.push(words, 'v', { key: 'k', time: 8.64e15 })
  assert.deepEqual(pipeline.outputs('out'), [
    { key: 'k', window: { start: 8.64e15 - 10_000, end: 8.64e15 }, n: 1 },
  ])
  pipeline.push(words, 'v', { key: 'k', time: 8.65e15 })
  pipeline.push(words, 'v', { key: 'k', time: 1e300 })
  assert.deepEqual(
    pipeline.deadLetters().map(({ reason, step }) => [reason, step]),
    [
      ['validation-failed', 'words'],
      ['validation-failed', 'words'],
    ],
  )
})

test('two inputs that fall idle together: a window closes though one never had a record', () => {
  const two = topic('words', { codec: string(), key: 'record', partitions: 2, idleAfter: '1s' })
  const pipeline = open('0ms', two)
  pipeline.push(two, 'v', { key: 'k', time: 5000 })
  pipeline.advance('1s')
  assert.deepEqual(pipeline.outputs('out'), [])
  pipeline.advance('5s')
  assert.equal(pipeline.outputs('out').length, 1)
})

test('a result has the event time of the last instant of its window', () => {
  const pipeline = open('5s')
  pipeline.push(words, 'v', { key: 'k', time: 1 })
  pipeline.push(words, 'v', { key: 'wm', time: 12_000 })
  pipeline.push(words, 'v', { key: 'k', time: 2 })
  assert.deepEqual(
    pipeline.records('out').map(({ time, key }) => [time, key]),
    [
      [9999, 'k'],
      [9999, 'k'],
    ],
  )
})

test('windows of windows: the results of the first are in time for the second', () => {
  const pipeline = testPipeline(
    from(words)
      .window(tumbling('10s'))
      .aggregate({ n: count() })
      .keyBy(() => 'all')
      .window(tumbling('30s'))
      .aggregate({ keys: collect((r) => `${r.key}${r.window.start / 1000}`) })
      .to(out),
  )
  for (const time of [1000, 12_000, 29_000, 31_000]) pipeline.push(words, 'v', { key: 'k', time })
  assert.deepEqual(pipeline.outputs('out'), [
    { key: 'all', window: { start: 0, end: 30_000 }, keys: ['k0', 'k10', 'k20'] },
  ])
  assert.deepEqual(pipeline.late(), [])
})

test('a record without key is a dead letter of the step', () => {
  const pipeline = open()
  pipeline.push(words, 'v', { time: 1 })
  const [letter] = pipeline.deadLetters()
  assert.deepEqual([letter?.reason, letter?.step, letter?.value], ['step-failed', 'count', 'v'])
})

test('a late record is kept once for each step, though the step gets several of it', () => {
  const twice = from(words).flatMap((word) => [word, word])
  const pipeline = testPipeline([
    twice.window(tumbling('10s')).aggregate({ n: count() }).named('short').to(out),
    twice.window(tumbling('20s')).aggregate({ n: count() }).named('long').to(topic('out2')),
  ])
  const push = (time: number): void => pipeline.push(words, 'v', { key: 'k', time })
  push(15_000)
  push(5000) // late for one, in time for the other
  push(25_000)
  push(6000) // late for both
  assert.deepEqual(
    pipeline.late().map(({ step, offset, reason, value }) => [step, offset, reason, value]),
    [
      ['short', 1, 'late', 'v'],
      ['short', 3, 'late', 'v'],
      ['long', 3, 'late', 'v'],
    ],
  )
  assert.deepEqual(pipeline.outputs('out2'), [
    { key: 'k', window: { start: 0, end: 20_000 }, n: 4 },
  ])
})

test('O4 a throw at a record leaves its window as it was, and makes none', () => {
  const pipeline = testPipeline(
    from(words)
      .flatMap(function* (word) {
        yield `${word} 1`
        if (word === 'bad') throw new Error('half-way')
        yield `${word} 2`
      })
      .window(tumbling('10s'), { lateness: '10s' })
      .aggregate({ all: collect() })
      .to(out),
  )
  const push = (word: string, time: number): void => pipeline.push(words, word, { key: 'k', time })
  push('bad', 1)
  push('good', 2)
  push('bad', 3)
  push('good', 10_000) // closes the window
  push('bad', 4) // would have given a revision
  push('fine', 5)
  assert.deepEqual(pipeline.outputs('out'), [
    { key: 'k', window: { start: 0, end: 10_000 }, all: ['good 1', 'good 2'] },
    {
      key: 'k',
      window: { start: 0, end: 10_000, revision: 1 },
      all: ['good 1', 'good 2', 'fine 1'],
    },
    {
      key: 'k',
      window: { start: 0, end: 10_000, revision: 2 },
      all: ['good 1', 'good 2', 'fine 1', 'fine 2'],
    },
  ])
  assert.deepEqual(
    pipeline.deadLetters().map(({ offset, message }) => [offset, message]),
    [0, 2, 4].map((offset) => [offset, 'half-way']),
  )
})

test('O4 a throw behind a window loses that result only, which is kept as a letter', () => {
  const pipeline = testPipeline(
    from(words)
      .window(tumbling('10s'))
      .aggregate({ n: count() })
      .flatMap(function* (result) {
        yield result
        if (result.key === 'b') throw new Error('no b')
      })
      .named('check')
      .to(out),
  )
  for (const key of ['c', 'b', 'a']) pipeline.push(words, 'v', { key, time: 1 })
  pipeline.push(words, 'v', { key: 'wm', time: 10_000 })
  assert.deepEqual(
    (pipeline.outputs('out') as Result[]).map(({ key }) => key),
    ['a', 'c'],
  )
  const [letter, ...others] = pipeline.deadLetters()
  assert.deepEqual(others, [])
  assert.deepEqual([letter?.step, letter?.message, letter?.key], ['check', 'no b', 'b'])
  assert.equal(letter?.value, '{"key":"b","window":{"start":0,"end":10000},"n":1}')
})

test('O4 late letters of a record that throws in another step are taken back', () => {
  const pipeline = testPipeline([
    from(words).window(tumbling('10s')).aggregate({ n: count() }).to(out),
    from(words)
      .filter((word) => {
        if (word === 'bad') throw new Error('bad')
        return true
      })
      .print(),
  ])
  pipeline.push(words, 'good', { key: 'k', time: 20_000 })
  pipeline.push(words, 'bad', { key: 'k', time: 1 })
  assert.deepEqual(pipeline.late(), [])
  assert.equal(pipeline.deadLetters().length, 1)
  pipeline.push(words, 'good', { key: 'k', time: 1 })
  assert.equal(pipeline.late().length, 1)
  assert.equal(pipeline.printed(), 'good\ngood\n')
})

test('O2 the wall clock at which a run happens changes nothing', () => {
  const at = (startMs: number) => {
    const pipeline = testPipeline(
      from(words).window(tumbling('10s'), { lateness: '5s' }).aggregate({ n: count() }).to(out),
      { startMs },
    )
    for (const time of [1000, 12_000, 3000, 31_000, 2000]) {
      pipeline.push(words, 'v', { key: 'k', time })
      pipeline.advance('100ms')
    }
    pipeline.advance('1d')
    return [pipeline.records('out'), pipeline.late()]
  }
  assert.deepEqual(at(1_700_000_000_123), at(0))
})
