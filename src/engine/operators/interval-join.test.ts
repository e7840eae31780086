import assert from 'node:assert/strict'
import { test } from 'vitest'
import { count, from, json, pipeline, string, topic, tumbling, within } from '../../index.ts'
import type { Duration, JoinType, TimeRange } from '../../index.ts'
import { isCode } from '../../core/error.ts'
import type { Key } from '../../core/key.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import { checkTable } from '../conformance/join-table.ts'

const settings = { codec: string(), key: 'record', idleAfter: '1h' } as const
const left = topic('left', settings)
const right = topic('right', settings)

interface Options {
  readonly type?: JoinType
  readonly lateness?: Duration
}

const joined = (range: Duration | TimeRange, options: Options = {}) =>
  from(left).join(from(right), within(range), options).named('join')

function cases(title: string, range: Duration | TimeRange, options: Options, text: string): void {
  test(title, () => checkTable(testPipeline(joined(range, options).to(topic('out'))), text))
}

cases(
  'at most 5 ms apart, both ends included, at once, with the later time',
  '5ms',
  {},
  `
  l k@10:a       |
  r k@4:t        |
  r k@5:u        | k@10:a+u
  r k@15:v       | k@15:a+v
  r k@16:w       |
  r other@10:x   |
  l k@11:b       | k@15:b+v; k@16:b+w`,
)

cases(
  'partners come in order of time, then of arrival',
  '10ms',
  {},
  `
  l k@20:a k@12:b k@20:c k@15:d |
  r k@18:x                      | k@18:b+x; k@18:d+x; k@20:a+x; k@20:c+x`,
)

cases(
  'before and after, from the left record to the right one',
  { before: '1ms', after: '3ms' },
  {},
  `
  l k@10:a                          |
  r k@8:s k@9:t k@10:u k@13:v k@14:w | k@10:a+t; k@10:a+u; k@13:a+v`,
)

cases(
  'a minus turns a side round: 2 to 4 ms after the left record',
  { before: '-2ms', after: '4ms' },
  { type: 'full' },
  `
  r k@8:s                    |
  l k@10:a                   | k@8:-+s
  r k@11:t k@12:u            | k@11:-+t; k@12:a+u
  r k@14:v k@15:w            | k@14:a+v
  wm 13                      |
  wm 14                      | k@15:-+w
  wm 30                      |`,
)

cases(
  'a record is late when the watermark has passed its time + lateness',
  '5ms',
  { lateness: '3ms' },
  `
  l k@10:a     |
  wm 13        |
  l k@10:b     |
  r k@10:x     | k@10:a+x; k@10:b+x
  l k@9:c      | late k:c join
  wm 18        |
  r k@15:y     | k@15:a+y; k@15:b+y
  wm 19        |
  r k@15:z     | late k:z join`,
)

cases(
  'left: an unmatched row comes once, when no partner can come any more, with its own time',
  '5ms',
  { type: 'left' },
  `
  l k@10:a k@11:b |
  r k@16:x        | k@16:b+x
  wm 15           |
  wm 16           | k@10:a+-
  wm 1000         |`,
)

cases(
  'full: unmatched rows in order of time, key, left before right; duplicates each',
  '5ms',
  { type: 'full', lateness: '2ms' },
  `
  l b@10:a b@10:a2 a@11:c |
  r b@4:w c@10:x a@17:y   |
  wm 11                   |
  wm 12                   | b@4:-+w
  wm 17                   |
  wm 40                   | b@10:a+-; b@10:a2+-; c@10:-+x; a@11:c+-; a@17:-+y`,
)

cases(
  'right: the left side waits for nobody',
  '5ms',
  { type: 'right' },
  `
  l k@10:a |
  r k@20:x |
  wm 26    | k@20:-+x`,
)

cases(
  'a row that comes when no partner can come any more is given at once',
  { before: '-4ms', after: '6ms' },
  { type: 'full' },
  `
  wm 10    |
  r k@10:x | k@10:-+x
  l k@10:a |
  wm 16    |
  wm 17    | k@10:a+-`,
)

cases(
  'negative times, an empty key, no key',
  '5ms',
  { type: 'left' },
  `
  l @-3:a null@-3:b @-20:c | dead null:b join
  r @-8:x                  | @-3:a+x; @-20:c+-`,
)

cases(
  'idle inputs: the clock brings event time on',
  '5ms',
  { type: 'left' },
  `
  l k@10:a    |
  clock 2h    | k@10:a+-`,
)

test("within('forever'): every pair of a key, nothing is late", () => {
  const join = from(left).join(from(right), within('forever')).named('join')
  checkTable(
    testPipeline(join.to(topic('out'))),
    `
    l k@10:a     |
    wm 100000    |
    r k@5:x      | k@10:a+x
    l k@-5:b     | k@5:b+x
    r j@0:y      |
    r k@100000:z | k@100000:b+z; k@100000:a+z`,
  )
})

/** Results of a join with disorder up to the lateness, each counted in a window of its own ms. */
function countedBehind(type: JoinType, latenessMs: number, lessDelayMs: number): [number, number] {
  const results = joined({ before: '21ms', after: '30ms' }, { type, lateness: `${latenessMs}ms` })
  const { node } = results
  const traits = node.kind === 'step' ? node.traits : assert.fail()
  Object.assign(traits, { delayMs: traits.delayMs - lessDelayMs })
  const windows = results.window(tumbling('1ms')).aggregate({ n: count() })
  const driven = testPipeline([results.to(topic('out')), windows.to(topic('counts'))])
  for (let i = 0; i < 150; i++) {
    const time = i % 4 === 0 ? 3 * (i - 1) - latenessMs : 3 * i
    driven.push(left, 'a', { key: `${i % 7}`, time })
    driven.push(right, 'x', { key: `${(i * 5) % 41}`, time })
  }
  for (const one of [left, right]) driven.push(one, 'end', { key: 'end', time: 2000 })
  const counts = driven.outputs('counts') as { n: number }[]
  const results2000 = driven.records('out').filter(({ time }) => time < 2000).length
  return [results2000, counts.reduce((sum, { n }) => sum + n, 0)]
}

test('a window behind the join finds no result late, and would with 1 ms less of delay', () => {
  for (const [type, latenessMs, delayMs] of [
    ['left', 0, 30],
    ['right', 4, 25],
    ['full', 4, 34],
    ['inner', 4, 4],
  ] as const) {
    const { node } = joined(
      { before: '21ms', after: '30ms' },
      { type, lateness: `${latenessMs}ms` },
    )
    assert.equal(node.kind === 'step' ? node.traits.delayMs : 0, delayMs)
    const [results, counted] = countedBehind(type, latenessMs, 0)
    assert.ok(results > 50, `${results} results`)
    assert.equal(counted, results, type)
    const [, less] = countedBehind(type, latenessMs, 1)
    assert.ok(less < results, `${type}: all ${less} are in time`)
  }
})

test('the ends of time, and keys of every kind', () => {
  const ends = [-8.64e15, 8.64e15]
  for (const how of [within('0ms'), within({ before: '1ms' }), within('100000000d')]) {
    const join = from(left).merge(from(left)).join(from(right), how, { type: 'full' })
    const driven = testPipeline(join.to(topic('out')))
    for (const time of ends) {
      driven.push(left, 'a', { key: 'k', time })
      driven.push(right, 'x', { key: 'k', time })
    }
    const at = driven.records('out').map(({ time, value }) => [time, value])
    const pair = { left: 'a', right: 'x' }
    const own = ends.flatMap((time) => [
      [time, pair],
      [time, pair],
    ])
    assert.deepEqual(at, own)
  }
  type Row = { readonly k: string }
  const keys: Record<string, Key> = {
    nan: NaN,
    zero: 0,
    minus: -0,
    big: 0n,
    text: '0',
    no: false,
    pair: [NaN, '', 0n],
    empty: '',
  }
  const rows = (name: string) =>
    from(topic(name, { codec: json<Row>() })).keyBy(({ k }) => keys[k] as Key)
  const pairs = rows('l').join(rows('r'), within('5ms'), { type: 'left' })
  const driven = testPipeline(
    pipeline('keys', pairs.map((p) => `${p.left.k} ${p.right?.k}`).print()),
  )
  for (const k of Object.keys(keys)) if (k !== 'zero') driven.push('r', { k }, { time: 5 })
  for (const k of Object.keys(keys)) driven.push('l', { k }, { time: 5 })
  const found = Object.keys(keys).map((k) => `${k} ${k === 'zero' ? 'minus' : k}\n`)
  assert.equal(driven.printed(), found.join(''))
})

test('O4 a throwing function behind the join leaves no trace of the record', () => {
  const join = joined('5ms', { type: 'full' }).map(({ left: l, right: r }) => {
    if (r === 'bad') throw new Error('no')
    return { left: l, right: r }
  })
  checkTable(
    testPipeline(join.named('check').to(topic('out'))),
    `
    l k@10:a        |
    r k@10:bad      | dead k:bad check
    r k@11:x        | k@11:a+x
    l k@12:b        | k@12:b+x
    l j@12:c        |
    r i@12:bad      |
    wm 30           | j@12:c+-; dead i:{"left":null,"right":"bad"} check`,
  )
})

test('refused with the plan, by the name of the step', () => {
  const refused = (range: Duration | TimeRange | 'forever', type: JoinType, text: RegExp): void => {
    const how = range === 'forever' ? within('forever') : within(range)
    const join = from(left).join(from(right), how as ReturnType<typeof within>, { type } as never)
    assert.throws(
      () => testPipeline(join.named('pay').to(topic('out'))),
      (thrown) => isCode(thrown, 'invalid-plan') && text.test(thrown.message),
    )
  }
  refused('-5ms', 'inner', /interval of the join is negative: -5ms \(step 'pay'\)/)
  refused({ before: '-6ms', after: '5ms' }, 'inner', /empty: from 6ms to 5ms after the left record/)
  refused('forever', 'left', /within 'forever' cannot be of type 'left'.*step 'pay'/)
  assert.throws(
    () => within('5 m' as '5m'),
    (thrown) => isCode(thrown, 'invalid-duration'),
  )
  assert.throws(
    () => within(5 as never),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
  for (const args of [
    [],
    ['5m'],
    [within('5m'), { type: 'outer' }],
    [within('forever'), { lateness: '1s' }],
  ]) {
    assert.throws(
      () => (from(left).join as (...given: unknown[]) => unknown)(from(right), ...args),
      (thrown) => isCode(thrown, 'invalid-argument'),
    )
  }
  assert.throws(
    () => (from(left).join as (...given: unknown[]) => unknown)('right', within('5m')),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
})
