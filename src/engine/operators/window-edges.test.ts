/** What all windows share: odd keys, the ends of time, many keys, memory, functions that throw. */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import {
  calendar,
  collect,
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
import type { Key, Window, WindowOptions, WindowSpec } from '../../index.ts'
import type { AggregateNode } from '../../pipeline/node.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import { StateSet } from '../state/state-set.ts'
import type { StepContext, TaskContext } from './operator.ts'
import { windowFoldOperator } from './window-fold.ts'

const words = topic('words', { codec: string(), key: 'record', idleAfter: '1d' })

const byTime: readonly (readonly [string, WindowSpec])[] = [
  ['tumbling', tumbling('10ms')],
  ['sliding', sliding('10ms', { every: '3ms' })],
  ['cumulative', cumulative('5ms', { within: '20ms' })],
  ['session', session('5ms')],
  ['trailing', trailing('10ms')],
  ['calendar', calendar('1d', { timeZone: 'Europe/Berlin' })],
]
const byCount: readonly (readonly [string, WindowSpec])[] = [
  ['count', countWindow(1)],
  ['global', globalWindow(onCount(1))],
  ['global by interval', globalWindow(onInterval('10ms'))],
]

describe('keys', () => {
  const keys: readonly Key[] = [
    0,
    -0,
    Number.NaN,
    '',
    0n,
    false,
    '0',
    10n ** 30n,
    ['', -0],
    ['', 0],
  ]
  test.each([...byTime, ...byCount])('%s: each is one, in order', (_name, window) => {
    const given: { key: Key; n: number }[] = []
    const pipeline = testPipeline(
      from(words)
        .keyBy((word) => keys[Number(word)] as Key)
        .window(window)
        .aggregate({ n: count() })
        .forEach(({ key, n }) => given.push({ key, n })),
    )
    for (const i of keys.keys()) pipeline.push(words, `${i}`, { key: 'k', time: 1 })
    pipeline.idle()
    pipeline.advance('2d')
    const last = new Map(given.map(({ key, n }) => [JSON.stringify(show(key)), n]))
    const isCounted = window.kind === 'count' || window.kind === 'global'
    const isOnCount = isCounted && !(window.kind === 'global' && window.trigger.kind === 'interval')
    // −0 is 0; what is of another type is another key.
    const twice = window.kind === 'count' ? 1 : 2
    assert.deepEqual(
      [...last],
      isOnCount
        ? [...last]
        : [
            ['false', 1],
            ['0', 2],
            ['"NaN"', 1],
            ['"0n"', 1],
            ['"1000000000000000000000000000000n"', 1],
            ['""', 1],
            ['"0"', 1],
            ['["",0]', 2],
          ],
    )
    assert.equal(last.size, 8)
    assert.equal(last.get('0'), twice)
    assert.equal(last.get('["",0]'), twice)
  })

  /** Told apart as text: NaN, and numbers from strings. */
  function show(key: Key): unknown {
    if (typeof key === 'object') return key
    if (typeof key === 'bigint') return `${key}n`
    return typeof key === 'number' && Number.isNaN(key) ? 'NaN' : key
  }
})

describe('the ends of time', () => {
  test.each([...byTime, ...byCount])('%s: the first and the last instant', (_name, window) => {
    for (const time of [-8.64e15, 8.64e15]) {
      const given: Window[] = []
      const pipeline = testPipeline(
        from(words)
          .window(window)
          .aggregate({ n: count() })
          .forEach((result) => given.push(result.window)),
      )
      pipeline.push(words, 'v', { key: 'k', time })
      pipeline.idle()
      pipeline.advance('2d')
      assert.ok(given.length > 0, `nothing for ${time}`)
      for (const { start, end } of given) {
        assert.ok(start <= time && time < end, `${time} is not in [${start}, ${end})`)
        assert.ok(Number.isSafeInteger(start) && Number.isSafeInteger(end))
      }
      assert.deepEqual([pipeline.late(), pipeline.deadLetters()], [[], []])
    }
  })

  test('the longest windows', () => {
    for (const window of [
      tumbling('1000000d', { offset: '999999d' }),
      sliding('1000000d', { every: '999999d' }),
      session('1000000d'),
      trailing('1000000d'),
      cumulative('500000d', { within: '1000000d' }),
      calendar('99999y', { timeZone: 'UTC' }),
    ]) {
      const pipeline = testPipeline(
        from(words).window(window).aggregate({ n: count() }).to(topic('out')),
      )
      for (const time of [-8.64e15, -1, 0, 1, 8.64e15]) {
        pipeline.push(words, 'v', { key: 'k', time })
      }
      assert.deepEqual([pipeline.late(), pipeline.deadLetters()], [[], []])
      assert.ok(pipeline.outputs('out').length > 0, window.kind)
    }
  })

  test('there is no window that starts at −0', () => {
    const given: number[] = []
    const pipeline = testPipeline(
      from(topic('words', { codec: string(), key: 'record', time: () => -0 }))
        .window(tumbling('10ms'))
        .aggregate({ n: count() })
        .forEach(({ window }) => given.push(window.start)),
    )
    pipeline.push('words', 'v', { key: 'k' })
    pipeline.idle()
    pipeline.advance('2d')
    assert.deepEqual(given, [0])
  })
})

/** An operator by itself. */
function probe(window: WindowSpec, options: WindowOptions = {}) {
  const stream = from(words).window(window, options).aggregate({ n: count() })
  const node = stream.node as AggregateNode & { window: WindowSpec }
  const state = new StateSet()
  const given: { key: Key; end: number; n: number }[] = []
  const time = { watermarkMs: -Infinity }
  const clock = { nowMs: 0 }
  const task: TaskContext = {
    get nowMs() {
      return clock.nowMs
    },
    running: '',
    emitAtomic: (emit, value, key, timeMs) => {
      state.journal.begin()
      emit(value, key, timeMs)
      state.journal.begin()
    },
    late: () => assert.fail('nothing is late'),
    outside: { after: () => () => {}, wake: () => {} },
    cause: null,
    print: () => {},
  }
  const context: StepContext = {
    step: 'step',
    task,
    time,
    originPartition: () => 0,
    wantsBefore: false,
    store: ({ part = '', ...spec }) => state.store({ name: `step/${part}`, ...spec }),
  }
  const { push, stateful } = windowFoldOperator(node, context, (value) => {
    const { key, window: at, n } = value as { key: Key; window: Window; n: number }
    given.push({ key, end: at.end, n })
  })
  assert.ok(stateful !== null)
  stateful.onRestored()
  const take = (key: Key, timeMs: number): void => {
    state.journal.begin()
    push('value', key, timeMs)
  }
  const advance = (toMs: number): void => {
    if (stateful.watermarkDueMs() <= toMs) stateful.onWatermark(toMs)
    time.watermarkMs = toMs
    clock.nowMs = Math.max(clock.nowMs, toMs)
    if (stateful.clockDueMs() <= clock.nowMs) stateful.onClock(clock.nowMs)
  }
  return { take, advance, given, state, stateful }
}

describe('memory', () => {
  const options: readonly WindowOptions[] = [
    {},
    { lateness: '7ms' },
    { lateness: '7ms', emit: 'updates' },
    { emit: { early: '3ms' } },
  ]
  test.each(byTime)('%s: what is past leaves nothing behind', (_name, window) => {
    for (const one of options) {
      const { take, advance, state, stateful } = probe(window, one)
      let most = 0
      for (let t = 0; t < 3000; t++) {
        for (const key of ['a', 'b', `${t % 7}`]) take(key, t - (t % 5))
        advance(t - 5)
        if (t % 10 === 0) state.pack()
        if (t === 500) most = state.entryCount() * 2
        if (t > 500 && window.kind !== 'calendar') {
          assert.ok(state.entryCount() <= most + 40, `${state.entryCount()} entries at ${t}`)
        }
      }
      advance(4e8)
      state.pack()
      assert.equal(state.entryCount(), 0)
      assert.deepEqual([stateful.watermarkDueMs(), stateful.clockDueMs()], [Infinity, Infinity])
    }
  })

  test.each([
    ['count', countWindow(3), 0],
    ['count, overlapping', countWindow(4, { every: 2 }), 3],
    ['global, emptied', globalWindow(onCount(3, { purge: true })), 0],
    ['global by interval, emptied', globalWindow(onInterval('5ms', { purge: true })), 0],
  ] as const)('%s: of each key what is open', (_name, window, entriesOfKey) => {
    const { take, advance, state } = probe(window)
    for (let t = 0; t < 300; t++) {
      for (const key of ['a', 'b']) take(key, t)
      advance(t)
      state.pack()
    }
    advance(1000)
    state.pack()
    assert.equal(state.entryCount(), entriesOfKey * 2)
  })
})

test.each(byTime)('%s: many keys in one window close at once, in order', (name, window) => {
  const { take, advance, given } = probe(window)
  const count = name === 'tumbling' || name === 'session' ? 100_000 : 20_000
  for (let i = 0; i < count; i++) take(`key ${(i * 7919) % count}`, 1)
  advance(1e9)
  assert.equal(new Set(given.map(({ key }) => key)).size, count)
  for (let i = 1; i < given.length; i++) {
    const [before, after] = [given[i - 1], given[i]]
    if (before === undefined || after === undefined) continue
    const isInOrder =
      before.end < after.end || (before.end === after.end && String(before.key) < String(after.key))
    assert.ok(isInOrder, `${JSON.stringify(before)} before ${JSON.stringify(after)}`)
  }
})

describe('functions that throw', () => {
  const joinOdd = (a: string, b: string): string => {
    if (a.length + b.length > 3) throw new Error('too long')
    return a + b
  }
  test.each([
    ['sliding', sliding('10ms', { every: '5ms' })],
    ['cumulative', cumulative('5ms', { within: '10ms' })],
    ['trailing', trailing('10ms')],
  ] as const)('%s: parts that cannot be merged cost that result only', (_name, window) => {
    const pipeline = testPipeline(
      from(words).window(window).reduce(joinOdd).named('joined').to(topic('out')),
    )
    for (const [key, time] of [
      ['a', 1],
      ['b', 1],
      ['b', 2],
      ['a', 6],
      ['b', 6],
    ] as const) {
      pipeline.push(words, key === 'b' ? 'bb' : 'a', { key, time })
    }
    pipeline.idle()
    pipeline.advance('2d')
    const letters = pipeline.deadLetters()
    assert.ok(
      letters.some(({ value }) => value?.includes('"window"')),
      'a result is lost',
    )
    for (const { key, step, message } of letters) {
      assert.deepEqual([key, step, message], ['b', 'joined', 'too long'])
    }
    const results = pipeline.outputs('out') as { key: string; value: string }[]
    assert.ok(results.some(({ key, value }) => key === 'a' && value === 'aa'))
  })

  test.each([...byTime, ...byCount])('%s: a record that another step undoes', (_name, window) => {
    for (const emit of window.kind === 'global'
      ? (['final'] as const)
      : (['final', 'updates'] as const)) {
      const run = (texts: readonly string[]): unknown[] => {
        const pipeline = testPipeline([
          from(words).window(window, { emit }).aggregate({ all: collect() }).to(topic('out')),
          from(words).forEach((word) => {
            if (word === 'bad') throw new Error('bad')
          }),
        ])
        for (const text of texts) {
          const [word = '', time] = text.split('@')
          const key = word === 'time' ? 'other' : 'k'
          pipeline.push(words, word, { key, time: Number(time) })
        }
        pipeline.idle()
        pipeline.advance('2d')
        const results = pipeline.outputs('out') as { key: string }[]
        return results.filter(({ key }) => key === 'k')
      }
      const all = [
        'bad@1',
        'a@1',
        'bad@1',
        'bad@3',
        'b@1',
        'bad@4',
        'c@4',
        'bad@4',
        'd@20',
        'bad@20',
      ]
      assert.deepEqual(run(all), run(all.map((text) => text.replace('bad', 'time'))))
    }
  })

  test('a record that throws behind the window leaves a session as it was', () => {
    const out = topic('out')
    const pipeline = testPipeline(
      from(words)
        .window(session('5ms'), { lateness: '20ms' })
        .aggregate({ all: collect() })
        .flatMap((result) => {
          if (result.all.includes('bad')) throw new Error('bad')
          return [result]
        })
        .to(out),
    )
    const push = (word: string, time: number): void =>
      pipeline.push(words, word, { key: 'k', time })
    push('a', 1)
    push('b', 15)
    push('bad', 3) // would give the closed session again
    push('c', 3)
    assert.deepEqual(pipeline.outputs('out'), [
      { key: 'k', window: { start: 1, end: 6 }, all: ['a'] },
      { key: 'k', window: { start: 1, end: 8, revision: 1 }, all: ['a', 'c'] },
    ])
    assert.equal(pipeline.deadLetters().length, 1)
  })
})
