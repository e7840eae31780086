/**
 * A line says what happens and, behind a bar, what comes out. `in k@5 a@7` are records; `wm 10`
 * moves event time to 10; `clock 5s` the wall clock. Results: `k[0,10)=1`, with `#2` for a revision
 * and `early`, `final` or `late` for a pane; `late k@5` for a late record.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import {
  calendar,
  count,
  countWindow,
  cumulative,
  from,
  globalWindow,
  onCount,
  onInterval,
  session,
  sliding,
  string,
  topic,
  trailing,
  tumbling,
} from '../../index.ts'
import type { Duration, Window, WindowOptions, WindowSpec } from '../../index.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import type { PipelineTest } from '../../testing/pipeline-test.ts'

const words = topic('words', { codec: string(), key: 'record', idleAfter: '1d' })
const out = topic('out')

interface Result {
  readonly key: string
  readonly window: Window
  readonly n: number
}

function open(window: WindowSpec, options: WindowOptions = {}): PipelineTest {
  return testPipeline(
    from(words).window(window, options).aggregate({ n: count() }).named('count').to(out),
  )
}

function shown(test: PipelineTest): string[] {
  const results = (test.outputs('out') as Result[]).map(({ key, window, n }) => {
    const { start, end, revision, pane } = window
    const text = `${key}[${start},${end})=${n}${revision === undefined ? '' : `#${revision}`}`
    return pane === undefined ? text : `${text} ${pane}`
  })
  return [...results, ...test.late().map(({ value }) => `late ${value}`)]
}

function cases(title: string, window: WindowSpec, ...rest: [WindowOptions, string] | [string]) {
  const [options, text] = rest.length === 1 ? [{}, rest[0]] : rest
  test(title, () => {
    const pipeline = open(window, options)
    let seen: readonly string[] = []
    for (const line of text.trim().split('\n')) {
      const [act = '', expected = ''] = line.split('|').map((part) => part.trim())
      const [word, ...what] = act.split(/ +/)
      if (word === 'clock') pipeline.advance(what[0] as Duration)
      for (const one of word === 'in' ? what : []) {
        const [key = '', time] = one.split('@')
        pipeline.push(words, one, { key, time: Number(time) })
      }
      if (word === 'wm') pipeline.push(words, 'wm', { key: 'wm', time: Number(what[0]) })
      // Results of key wm are of records that only move event time.
      const all = shown(pipeline).filter((one) => !one.startsWith('wm['))
      const fresh = withoutEach(all, seen)
      seen = all
      assert.equal(fresh.join('; '), expected, line)
    }
  })
}

function withoutEach(all: readonly string[], seen: readonly string[]): string[] {
  const left = [...seen]
  return all.filter((one) => {
    const at = left.indexOf(one)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

describe('sliding', () => {
  const tenByFive = sliding('10ms', { every: '5ms' })
  cases(
    'a record counts in each window that holds it; results in order of end, then key',
    tenByFive,
    `
    in b@0 a@4          |
    in b@5              | a[-5,5)=1; b[-5,5)=1
    wm 9                |
    wm 10               | a[0,10)=1; b[0,10)=2
    wm 40               | b[5,15)=1`,
  )
  cases(
    'a size that every does not divide',
    sliding('11ms', { every: '4ms', offset: '1ms' }),
    `
    in k@0 k@4 k@5      | k[-7,4)=1
    wm 100              | k[-3,8)=3; k[1,12)=2; k[5,16)=1`,
  )
  cases(
    'a record in time for one of its windows counts there; late when all are past',
    tenByFive,
    `
    in k@2              |
    wm 10               | k[-5,5)=1; k[0,10)=1
    in k@7 k@9          |
    in k@4              | late k@4
    wm 15               | k[5,15)=2
    in k@9              | late k@9`,
  )
  cases(
    'lateness: revisions of all closed windows that are not past it, in order of end',
    tenByFive,
    { lateness: '5ms', emit: 'updates' },
    `
    in k@6              | k[0,10)=1 early; k[5,15)=1 early
    wm 10               | k[0,10)=1 final
    in k@7              | k[0,10)=2#1 late; k[5,15)=2 early
    wm 15               | k[5,15)=2 final
    in k@8              | k[5,15)=3#1 late
    wm 20               |
    in k@8              | late k@8`,
  )
  cases(
    'early results every 10 ms of the clock, of what has changed, then one at the close',
    tenByFive,
    { emit: { early: '10ms' } },
    `
    in b@1 a@2          |
    clock 9ms           |
    clock 1ms           | a[-5,5)=1 early; b[-5,5)=1 early; a[0,10)=1 early; b[0,10)=1 early
    clock 20ms          |
    in a@3              |
    wm 5                | a[-5,5)=2 final; b[-5,5)=1 final
    clock 10ms          | a[0,10)=2 early
    wm 10               | a[0,10)=2 final; b[0,10)=1 final`,
  )
})

describe('cumulative', () => {
  const window = cumulative('5ms', { within: '15ms' })
  cases(
    'each step gives all since the start of the period, also without new records',
    window,
    `
    in k@1 j@6          | k[0,5)=1
    wm 10               | j[0,10)=1; k[0,10)=1
    wm 20               | j[0,15)=1; k[0,15)=1
    in k@14             | late k@14`,
  )
  cases(
    'a record for a step that is past counts in those to come',
    window,
    { lateness: '2ms' },
    `
    in k@1              |
    wm 5                | k[0,5)=1
    in k@2              | k[0,5)=2#1
    wm 7                |
    in k@3              |
    wm 10               | k[0,10)=3
    in k@4              | k[0,10)=4#1
    wm 15               | k[0,15)=4
    in k@14             | k[0,15)=5#1
    wm 17               |
    in k@4              | late k@4`,
  )
})

describe('session', () => {
  const window = session('5ms')
  cases(
    'a record at the end still joins, one behind it does not',
    window,
    `
    in k@0 k@5 k@10     |
    in k@16             | k[0,15)=3
    wm 21               |
    wm 22               | k[16,21)=1`,
  )
  cases(
    'complete when event time is past the end: at the end a record may still come',
    window,
    `
    in k@0              |
    wm 5                |
    in k@5              |
    wm 10               |
    wm 11               | k[0,10)=2
    in k@5              | late k@5
    in k@6              |
    wm 12               | k[6,11)=1`,
  )
  test('a record between two sessions makes them one', () => {
    const late30 = topic('words', { codec: string(), key: 'record', outOfOrder: '30ms' })
    const pipeline = testPipeline(from(late30).window(window).aggregate({ n: count() }).to(out))
    for (const time of [0, 10, 20, 15, 5, 26, 70]) {
      pipeline.push(late30, `${time}`, { key: 'k', time })
    }
    assert.deepEqual(pipeline.outputs('out'), [
      { key: 'k', window: { start: 0, end: 25 }, n: 5 },
      { key: 'k', window: { start: 26, end: 31 }, n: 1 },
    ])
    // The last instant that belongs to a session is its end.
    assert.deepEqual(
      pipeline.records('out').map(({ time }) => time),
      [25, 31],
    )
  })
  cases(
    'within lateness a closed session is extended, joined to another, or opened again',
    window,
    { lateness: '20ms', emit: 'updates' },
    `
    in k@0              | k[0,5)=1 early
    wm 6                | k[0,5)=1 final
    in k@1              | k[0,6)=2 early
    wm 7                | k[0,6)=2#1 final
    in k@12             | k[12,17)=1 early
    in k@6              | k[0,11)=3#2 late
    in k@7              | k[0,17)=5 early
    wm 20               | k[0,17)=5#3 final
    in k@2 k@3          | k[0,17)=6#4 late; k[0,17)=7#5 late
    in j@2              | j[2,7)=1#1 late
    wm 28               |
    in j@2              | late j@2
    in k@2              | k[0,17)=8#6 late`,
  )
  test('sessions behind which a window follows are in time for it', () => {
    const pipeline = testPipeline(
      from(words)
        .window(window)
        .aggregate({ n: count() })
        .window(tumbling('5ms'))
        .aggregate({ sessions: count() })
        .to(out),
    )
    for (const time of [0, 5, 6, 10, 11, 12, 40])
      pipeline.push(words, 'v', { key: `${time}`, time })
    assert.deepEqual(pipeline.late(), [])
    const counted = pipeline.outputs('out') as { sessions: number }[]
    assert.equal(
      counted.reduce((sum, { sessions }) => sum + sessions, 0),
      6,
    )
  })
})

describe('trailing', () => {
  const window = trailing('5ms')
  cases(
    'all of the key in (t − 5, t], once event time has passed t; equal times share a result',
    window,
    `
    in k@0 k@4 k@4      | k[-4,1)=1
    in k@5              | k[0,5)=3
    wm 6                | k[1,6)=3
    in k@20             |
    wm 21               | k[16,21)=1`,
  )
  cases(
    'a record whose own result is past counts for later ones, until size has passed',
    window,
    `
    in k@2              |
    wm 6                | k[-2,3)=1
    in k@5              |
    in k@7              |
    wm 8                | k[3,8)=2
    in k@3              | late k@3`,
  )
  cases(
    'lateness: the results of its time and of those behind it are given again',
    window,
    { lateness: '4ms', emit: 'updates' },
    `
    in k@2 k@4          | k[-2,3)=1 early; k[0,5)=2 early; k[-2,3)=1 final
    wm 5                | k[0,5)=2 final
    in k@3              | k[-1,4)=2#1 late; k[0,5)=3#1 late
    wm 7                |
    in k@2              | k[-1,4)=3#2 late; k[0,5)=4#2 late
    wm 11               |
    in k@2              | late k@2`,
  )
  cases(
    'early results of times still open',
    window,
    { emit: { early: '10ms' } },
    `
    in k@2 j@2          |
    clock 10ms          | j[-2,3)=1 early; k[-2,3)=1 early
    clock 10ms          |
    in k@2              |
    clock 10ms          | k[-2,3)=2 early
    wm 3                | j[-2,3)=1 final; k[-2,3)=2 final`,
  )
})

describe('count', () => {
  cases(
    'every n records of a key, at once; the window is where they lie in event time',
    countWindow(2),
    `
    in k@5 j@1 k@9      | k[5,10)=2
    in k@10 k@2         | k[2,11)=2`,
  )
  cases(
    'every 2 records the last 4; at the beginning fewer',
    countWindow(4, { every: 2 }),
    { emit: 'updates' },
    `
    in k@1 k@2          | k[1,2)=1 early; k[1,3)=2 final
    in k@3              | k[1,4)=3 early
    in k@4 k@5 k@6      | k[1,5)=4 final; k[3,6)=3 early; k[3,7)=4 final`,
  )
  test('the result is in time for later steps, also that of records out of order', () => {
    const pipeline = open(countWindow(2))
    for (const time of [5, 100, 6, 200]) {
      const key = time < 50 ? 'k' : 'wm'
      pipeline.push(words, 'v', { key, time })
    }
    assert.deepEqual(
      pipeline.records('out').map(({ key, time }) => [key, time]),
      [
        ['k', 100],
        ['wm', 200],
      ],
    )
  })
})

describe('global', () => {
  cases(
    'every 2 records all so far',
    globalWindow(onCount(2)),
    `
    in k@1 k@2 k@3 k@4  | k[1,3)=2; k[1,5)=4`,
  )
  cases(
    'every 2 records, then empty',
    globalWindow(onCount(2, { purge: true })),
    `
    in k@1 k@2 k@3 k@4  | k[1,3)=2; k[3,5)=2`,
  )
  cases(
    'when event time passes a multiple of 10 ms, keys that have changed',
    globalWindow(onInterval('10ms')),
    `
    in b@1 a@2 b@3      |
    wm 10               | a[2,3)=1; b[1,4)=2
    wm 20               |
    in b@5              |
    wm 29               |
    wm 31               | b[1,6)=3`,
  )
  cases(
    'when the clock does, then empty',
    globalWindow(onInterval('10ms', { time: 'processing', purge: true })),
    `
    in b@1 a@2 b@3      |
    clock 9ms           |
    clock 1ms           | a[2,3)=1; b[1,4)=2
    clock 20ms          |
    in b@4              |
    clock 10ms          | b[4,5)=1`,
  )
})

describe('calendar', () => {
  const hour = 3_600_000
  test('days of 25 and 23 hours, and results in order', () => {
    const days = open(calendar('1d', { timeZone: 'America/Sao_Paulo' }))
    const at = (text: string): number => Date.parse(text)
    for (const time of ['2018-02-18T02:59:59.999Z', '2018-02-18T03:00Z', '2018-11-04T03:00Z']) {
      days.push(words, 'v', { key: 'k', time: at(time) })
    }
    days.push(words, 'v', { key: 'k', time: at('2018-12-01T00:00Z') })
    const windows = (days.outputs('out') as Result[]).map(({ window }) => window)
    assert.deepEqual(windows, [
      { start: at('2018-02-17T02:00Z'), end: at('2018-02-18T03:00Z') },
      { start: at('2018-02-18T03:00Z'), end: at('2018-02-19T03:00Z') },
      { start: at('2018-11-04T03:00Z'), end: at('2018-11-05T02:00Z') },
    ])
    assert.deepEqual(
      windows.map(({ start, end }) => (end - start) / hour),
      [25, 24, 23],
    )
  })
})

describe('processing time', () => {
  cases(
    'records fall into the window of the clock, whatever their own time; nothing is late',
    tumbling('10ms', { time: 'processing' }),
    `
    in k@5000 k@1       |
    clock 9ms           |
    in k@2              |
    clock 1ms           | k[0,10)=3`,
  )
  cases(
    'sessions, closed when the clock is past their end',
    session('5ms', { time: 'processing' }),
    `
    in k@100            |
    clock 5ms           |
    in k@1              |
    clock 5ms           |
    clock 1ms           | k[0,10)=2`,
  )
  cases(
    'trailing: what came within the last 5 ms of the clock',
    trailing('5ms', { time: 'processing' }),
    `
    in k@100            |
    clock 4ms           | k[-4,1)=1
    in k@1              |
    clock 1ms           | k[0,5)=2`,
  )
  cases(
    'sliding, with updates',
    sliding('10ms', { every: '5ms', time: 'processing' }),
    { emit: 'updates' },
    `
    in k@7              | k[-5,5)=1 early; k[0,10)=1 early
    clock 20ms          | k[-5,5)=1 final; k[0,10)=1 final`,
  )
})
