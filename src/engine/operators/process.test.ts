import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { from, json, listState, mapState, output, topic, valueState } from '../../index.ts'
import type { Key, Timer } from '../../index.ts'
import { count, tumbling } from '../../index.ts'
import { testPipeline } from '../../testing.ts'

type Row = { k: string; v: number }
const rows = topic('rows', { codec: json<Row>(), key: (row) => row.k })
const outs = topic('outs')
const others = topic('others')

/** As `key@time value`. */
function lines(test: ReturnType<typeof testPipeline>, of = outs): string[] {
  return test.records(of).map(({ key, time, value }) => `${key}@${time} ${JSON.stringify(value)}`)
}

/** Notes when timers fire: what they are set for comes with the record. */
function timersOf(set: (row: Row, timers: { at: number; name?: string }[]) => void) {
  return from(rows).process({
    emits: output<Timer>(),
    onRecord(row, ctx) {
      const timers: { at: number; name?: string }[] = []
      set(row, timers)
      for (const { at, name } of timers) ctx.timers.event(at, name)
    },
    onTimer(timer, ctx) {
      ctx.emit(timer)
    },
  })
}

describe('state', () => {
  test('each key has its own; value, map and list as they are read', () => {
    const stream = from(rows).process({
      state: {
        total: valueState<number>({ default: 0 }),
        last: valueState<Row>(),
        byValue: mapState<Key, number>(),
        all: listState<number>(),
      },
      emits: output<unknown>(),
      onRecord({ k, v }, ctx) {
        const { total, last, byValue, all } = ctx.state
        const before = last.get()?.v
        total.set(total.get() + v)
        last.set({ k, v })
        for (const key of [v, String(v), [v]]) byValue.set(key, (byValue.get(key) ?? 0) + 1)
        all.push(v)
        ctx.emit([total.get(), before ?? null, byValue.entries(), [...all], all.at(-2) ?? null])
      },
    })
    const run = testPipeline(stream.to(outs))
    for (const row of [
      { k: 'a', v: 2 },
      { k: 'b', v: 7 },
      { k: 'a', v: 1 },
    ])
      run.push(rows, row)
    assert.deepEqual(run.outputs(outs), [
      [
        2,
        null,
        [
          [2, 1],
          ['2', 1],
          [[2], 1],
        ],
        [2],
        null,
      ],
      [
        7,
        null,
        [
          [7, 1],
          ['7', 1],
          [[7], 1],
        ],
        [7],
        null,
      ],
      [
        3,
        2,
        [
          [1, 1],
          [2, 1],
          ['1', 1],
          ['2', 1],
          [[1], 1],
          [[2], 1],
        ],
        [2, 1],
        2,
      ],
    ])
  })

  test('what a handler did is undone where it, or a step behind it, throws', () => {
    const stream = from(rows).process({
      state: { seen: listState<number>(), n: valueState<number>({ default: 0 }) },
      emits: output<string>(),
      onRecord({ v }, ctx) {
        ctx.state.seen.push(v)
        ctx.state.n.set(ctx.state.n.get() + 1)
        ctx.timers.event(v + 100)
        ctx.emit(`${ctx.state.seen.toArray()} ${ctx.state.n.get()}`)
        if (v === 2) throw new Error('two')
      },
      onTimer: (timer, ctx) => ctx.emit(`timer ${timer.time}`),
    })
    const checked = stream.map((text) => {
      if (text.includes('3')) throw new Error('three')
      return text
    })
    const run = testPipeline(checked.to(outs))
    for (const v of [1, 2, 3, 4]) run.push(rows, { k: 'a', v }, { time: v })
    run.push(rows, { k: 'b', v: 5 }, { time: 500 })
    assert.deepEqual(run.outputs(outs), ['1 1', '1,4 2', '5 1', 'timer 104', 'timer 105'])
    assert.deepEqual(
      run.deadLetters().map(({ step, offset, message }) => [step, offset, message]),
      [
        ['rows.process', 1, 'two'],
        ['rows.process.map', 2, 'three'],
      ],
    )
  })

  test('it is dropped when event time reaches the last record of the key + ttl', () => {
    const stream = from(rows).process({
      state: {
        short: valueState<number>({ default: 0 }),
        long: valueState<number>({ default: 0, ttl: '50ms' }),
        kept: mapState<string, number>({ ttl: 'forever' }),
      },
      emits: output<number[]>(),
      ttl: '10ms',
      onRecord({ k }, ctx) {
        const { short, long, kept } = ctx.state
        ctx.emit([short.get(), long.get(), kept.get(k) ?? 0])
        short.set(short.get() + 1)
        long.set(long.get() + 1)
        kept.set(k, (kept.get(k) ?? 0) + 1)
      },
    })
    const run = testPipeline(stream.to(outs))
    const times = [0, 5, 14, 24, 33, 83] // 14 + 10 = 24 is reached by another key's record
    for (const time of times) {
      run.push(rows, { k: 'other', v: 0 }, { time })
      run.push(rows, { k: 'a', v: 0 }, { time })
    }
    const mine = run.records(outs).filter(({ key }) => key === 'a')
    assert.deepEqual(
      mine.map(({ value }) => value),
      [
        [0, 0, 0],
        [1, 1, 1],
        [2, 2, 2],
        [0, 3, 3],
        [1, 4, 4],
        [0, 0, 5],
      ],
    )
  })

  test('clear drops all state of the key, and leaves its timers', () => {
    const stream = from(rows).process({
      state: { n: valueState<number>(), m: mapState<number, number>(), l: listState<number>() },
      emits: output<unknown>(),
      onRecord({ v }, ctx) {
        const { n, m, l } = ctx.state
        if (v === 0) ctx.clear()
        else {
          n.set(v)
          m.set(v, v)
          l.replace([v, v])
          ctx.timers.event(100)
        }
        ctx.emit([n.has(), m.size, l.size, ctx.timers.get('event') ?? null])
      },
      onTimer: () => {},
    })
    const run = testPipeline(stream.to(outs))
    for (const v of [1, 0, 2]) run.push(rows, { k: 'a', v }, { time: 0 })
    run.advance('1s') // what is cleared is freed, what is there stays
    run.push(rows, { k: 'a', v: 3 }, { time: 0 })
    assert.deepEqual(run.outputs(outs), [
      [true, 1, 2, 100],
      [false, 0, 0, 100],
      [true, 1, 2, 100],
      [true, 2, 2, 100],
    ])
  })
})

describe('event timers', () => {
  test('they fire when event time has reached them, in order of time, key, name', () => {
    const stream = timersOf(({ v }, timers) => {
      if (v === 1) timers.push({ at: 30, name: 'b' }, { at: 30, name: 'a' }, { at: 20 })
    })
    const run = testPipeline(stream.to(outs))
    for (const k of ['y', 'x']) run.push(rows, { k, v: 1 }, { time: 5 })
    run.push(rows, { k: 'z', v: 0 }, { time: 29 })
    assert.deepEqual(lines(run), [
      'x@20 {"kind":"event","name":"","time":20}',
      'y@20 {"kind":"event","name":"","time":20}',
    ])
    run.push(rows, { k: 'z', v: 0 }, { time: 30 })
    assert.deepEqual(lines(run).slice(2), [
      'x@30 {"kind":"event","name":"a","time":30}',
      'x@30 {"kind":"event","name":"b","time":30}',
      'y@30 {"kind":"event","name":"a","time":30}',
      'y@30 {"kind":"event","name":"b","time":30}',
    ])
  })

  test('one for each name: set again it moves, cancelled it is gone', () => {
    const stream = from(rows).process({
      emits: output<string>(),
      onRecord({ v }, ctx) {
        if (v === 0) ctx.timers.cancel('event')
        else ctx.timers.event(v)
        ctx.timers.event(v + 5, 'other')
      },
      onTimer: ({ name, time }, ctx) => ctx.emit(`${name}${time}`),
    })
    const run = testPipeline(stream.to(outs))
    for (const v of [20, 40, 30]) run.push(rows, { k: 'a', v }, { time: 0 })
    for (const v of [20, 0]) run.push(rows, { k: 'b', v }, { time: 0 })
    run.push(rows, { k: 'c', v: 900 }, { time: 100 })
    assert.deepEqual(run.outputs(outs), ['other5', '30', 'other35'])
  })

  test('one for a time that is past fires at the next advance, with the time reached', () => {
    const stream = timersOf(({ v }, timers) => {
      if (v > 0) timers.push({ at: v })
    })
    const run = testPipeline([stream.to(outs)])
    run.push(rows, { k: 'a', v: 0 }, { time: 50 })
    run.push(rows, { k: 'a', v: 7 }, { time: 50 })
    assert.deepEqual(lines(run), [])
    run.push(rows, { k: 'b', v: 0 }, { time: 51 })
    assert.deepEqual(lines(run), ['a@50 {"kind":"event","name":"","time":7}'])
  })

  test('what is due meanwhile fires in the same advance, and nothing is late behind it', () => {
    const stream = from(rows).process({
      state: { left: valueState<number>({ default: 3 }) },
      emits: output<number>(),
      onRecord: (row, ctx) => ctx.timers.event(row.v),
      onTimer({ time }, ctx) {
        ctx.emit(time)
        const left = ctx.state.left.get()
        ctx.state.left.set(left - 1)
        if (left > 0) ctx.timers.event(time + (left === 2 ? -15 : 10))
      },
    })
    const windows = stream.window(tumbling('10ms')).aggregate({ n: count() })
    const run = testPipeline([stream.to(outs), windows.to(others)])
    run.push(rows, { k: 'a', v: 10 }, { time: 0 })
    run.push(rows, { k: 'b', v: 900 }, { time: 100 })
    assert.deepEqual(lines(run), ['a@10 10', 'a@20 20', 'a@20 5', 'a@20 15'])
    const counted = run.outputs('others') as { window: { start: number }; n: number }[]
    assert.deepEqual(
      counted.map(({ window, n }) => [window.start, n]),
      [
        [10, 1],
        [20, 3],
      ],
    )
    assert.deepEqual(run.late(), [])
  })

  test('a handler that throws: undone, the timer gone, a letter tells of it', () => {
    const stream = from(rows).process({
      state: { n: valueState<number>({ default: 0 }) },
      emits: output<number>(),
      onRecord: ({ v }, ctx) => {
        ctx.timers.event(v)
        ctx.timers.event(v + 1, 'next')
      },
      onTimer({ name }, ctx) {
        ctx.state.n.set(ctx.state.n.get() + 1)
        ctx.timers.event(ctx.time + 5)
        ctx.emit(ctx.state.n.get())
        if (name === '') throw new Error('not this one')
      },
    })
    const run = testPipeline(stream.to(outs))
    run.push(rows, { k: 'a', v: 10 }, { time: 0 })
    run.push(rows, { k: 'b', v: 900 }, { time: 12 })
    assert.deepEqual(lines(run), ['a@11 1'])
    assert.deepEqual(
      run.deadLetters().map(({ step, message, key, value }) => [step, message, key, value]),
      [['rows.process', 'not this one', 'a', '{"kind":"event","name":"","time":10}']],
    )
  })

  test('a handler that sets timers for the time in hand without end is stopped', () => {
    let fired = 0
    const stream = from(rows).process({
      onRecord: (row, ctx) => ctx.timers.event(row.v),
      onTimer({ time }, ctx) {
        fired += 1
        ctx.timers.event(time)
      },
    })
    const run = testPipeline(stream.to(outs))
    run.push(rows, { k: 'a', v: 10 }, { time: 0 })
    run.push(rows, { k: 'b', v: 900 }, { time: 10 })
    assert.equal(fired, 10_000)
    const [letter, ...more] = run.deadLetters()
    assert.match(letter?.message ?? '', /^10000 timers of one key have fired at 10, and one more/)
    assert.deepEqual(more, [])
  })
})

describe('timers of the wall clock', () => {
  test('they fire at its ticks, with event time as it stands, never before what set them', () => {
    const stream = from(rows).process({
      emits: output<number[]>(),
      onRecord: ({ v }, ctx) => ctx.timers.processing(ctx.now + v),
      onTimer: (timer, ctx) => ctx.emit([timer.time, ctx.now, ctx.watermark]),
    })
    const ahead = topic('rows', { codec: json<Row>(), key: (row) => row.k, outOfOrder: '10ms' })
    const run = testPipeline(stream.to(outs), { startMs: 1000 })
    const lagging = testPipeline(
      from(ahead)
        .process({
          emits: output<number>(),
          onRecord: (_row, ctx) => ctx.timers.processing(ctx.now + 5),
          onTimer: (timer, ctx) => ctx.emit(timer.time),
        })
        .to(outs),
    )
    run.push(rows, { k: 'a', v: 30 }, { time: 500 })
    run.push(rows, { k: 'b', v: 20 }, { time: 600 })
    run.advance('1s')
    assert.deepEqual(lines(run), ['b@600 [1020,1020,600]', 'a@600 [1030,1030,600]'])
    lagging.push(ahead, { k: 'a', v: 0 }, { time: 500 })
    lagging.advance('1s')
    assert.deepEqual(lines(lagging), ['a@500 5'])
  })

  test('they are apart from event timers of the same name', () => {
    const stream = from(rows).process({
      emits: output<string>(),
      onRecord({ v }, ctx) {
        ctx.timers.event(v, 'x')
        ctx.timers.processing(v, 'x')
        ctx.timers.cancel('event', 'x')
        ctx.emit(`${ctx.timers.get('event', 'x')} ${ctx.timers.get('processing', 'x')}`)
      },
      onTimer: ({ kind, name }, ctx) => ctx.emit(`${kind} ${name}`),
    })
    const run = testPipeline(stream.to(outs))
    run.push(rows, { k: 'a', v: 10 }, { time: 0 })
    run.advance('1s')
    assert.deepEqual(run.outputs(outs), ['undefined 10', 'processing x'])
  })
})

describe('outputs', () => {
  test('main and named ones, read or not; named keeps them together', () => {
    const made = from(rows).process({
      emits: output<number>(),
      outputs: { odd: output<string>(), unread: output<string>() },
      onRecord({ v }, ctx) {
        ctx.emit(v)
        if (v % 2 === 1) ctx.output.odd(`odd ${v}`)
        ctx.output.unread('nobody')
      },
    })
    const { main, odd } = made.named('parity')
    const run = testPipeline([main.to(outs), odd.to(others)])
    for (const v of [1, 2, 3]) run.push(rows, { k: 'a', v }, { time: v })
    assert.deepEqual(run.outputs(outs), [1, 2, 3])
    assert.deepEqual(lines(run, others), ['a@1 "odd 1"', 'a@3 "odd 3"'])
  })
})

describe('wrong use goes to the dead letters, and says what to do', () => {
  const cases: [string, Parameters<typeof wrong>[0], RegExp][] = [
    ['a promise', () => Promise.reject(new Error('later')), /onRecord gave a promise/],
    ['a timer without onTimer', (ctx) => ctx.timers.event(1), /there is no onTimer/],
    ['a timer for no time', (ctx) => ctx.timers.event(Number.NaN), /cannot be set for NaN/],
    ['a key that is none', (ctx) => ctx.state.m.set({} as never, 1), /cannot be a key/],
  ]
  type Context = {
    readonly timers: { event(at: number): void }
    readonly state: { readonly m: { set(key: string, value: number): void } }
  }
  function wrong(act: (ctx: Context) => unknown) {
    return from(rows).process({
      state: { m: mapState<string, number>() },
      onRecord: (_row, ctx) => act(ctx) as undefined,
    })
  }
  for (const [title, act, message] of cases) {
    test(title, () => {
      const run = testPipeline(wrong(act).to(outs))
      run.push(rows, { k: 'a', v: 1 })
      assert.match(run.deadLetters()[0]?.message ?? '', message)
    })
  }

  test('a context that outlives its handler', () => {
    const kept: (() => unknown)[] = []
    const stream = from(rows).process({
      state: { n: valueState<number>() },
      onRecord: (_row, ctx) => void kept.push(() => ctx.state.n.get()),
    })
    testPipeline(stream.to(outs)).push(rows, { k: 'a', v: 1 })
    assert.throws(kept[0] as () => unknown, /no record or timer of this step is in hand/)
  })
})
