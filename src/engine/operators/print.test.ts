import assert from 'node:assert/strict'
import { test } from 'vitest'
import { from, json, string, topic } from '../../index.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'

const lines = topic('lines', { codec: string() })
const rule = '-'.repeat(43)

function batch(time: string, ...shown: string[]): string {
  return `${rule}\n${time}\n${rule}\n${shown.map((line) => `${line}\n`).join('')}\n`
}

test('each record at once; text as it is, all else as JSON, bigints as digits', () => {
  const values = topic('values', { codec: json() })
  const all = [1n, { a: 2n }, [1], null, undefined, 'text', new Date(0)]
  const test = testPipeline(
    from(values)
      .flatMap(() => all)
      .print({ label: '>' }),
  )
  test.push(values, 0)
  assert.equal(
    test.printed(),
    ['"1"', '{"a":"2"}', '[1]', 'null', 'undefined', 'text', '"1970-01-01T00:00:00.000Z"']
      .map((line) => `>  ${line}\n`)
      .join(''),
  )
})

test('batches of a second, aligned to the clock, the time above ten lines; none when empty', () => {
  const test = testPipeline(from(lines).print({ every: '1s' }), { startMs: 1_700_000_000_400 })
  for (let i = 1; i <= 12; i++) test.push(lines, `line ${i}`)
  test.advance('599ms')
  assert.equal(test.printed(), '')
  test.advance('1ms')
  const ten = Array.from({ length: 10 }, (_, i) => `line ${i + 1}`)
  const first = batch('Time: 2023-11-14 22:13:21', ...ten, '... 2 more')
  assert.equal(test.printed(), first)
  test.advance('5s')
  assert.equal(test.printed(), first)
  test.push(lines, 'later')
  test.advance('1s')
  assert.equal(test.printed(), first + batch('Time: 2023-11-14 22:13:27', 'later'))
})

test('exactly ten are shown whole; `first` and `label` are followed', () => {
  const test = testPipeline([
    from(lines).print({ every: '1s' }),
    from(lines).print({ every: '2s', first: 1, label: 'one' }),
  ])
  for (let i = 0; i < 10; i++) test.push(lines, `${i}`)
  test.advance('1s')
  assert.equal(test.printed(), batch('Time: 1970-01-01 00:00:01', ...'0123456789'.split('')))
  test.advance('1s')
  assert.ok(test.printed().endsWith(batch('one  Time: 1970-01-01 00:00:02', '0', '... 9 more')))
})

test('batches shorter than a second show their milliseconds', () => {
  const test = testPipeline(from(lines).print({ every: '250ms' }))
  test.push(lines, 'a')
  test.advance('250ms')
  test.advance('500ms')
  test.push(lines, 'b')
  test.advance('250ms')
  assert.equal(
    test.printed(),
    batch('Time: 1970-01-01 00:00:00.250', 'a') + batch('Time: 1970-01-01 00:00:01', 'b'),
  )
})

test('the open batch is shown at an orderly stop', () => {
  const test = testPipeline(from(lines).print({ every: '1h' }))
  test.push(lines, 'a')
  assert.equal(test.printed(), '')
  test.stop()
  assert.equal(test.printed(), batch('Time: 1970-01-01 01:00:00', 'a'))
  test.stop()
  assert.equal(test.printed(), batch('Time: 1970-01-01 01:00:00', 'a'))
})

test('O4 what a record printed before a later step throws is not shown, batched or not', () => {
  const checked = (every?: '1s') => {
    const words = from(lines).flatMap((line) => line.split(' '))
    const test = testPipeline([
      words.print(every === undefined ? {} : { every }),
      words.forEach((word) => {
        if (word === 'bad') throw new Error('bad')
      }),
    ])
    for (const line of ['a b', 'c bad d', 'e']) test.push(lines, line)
    test.advance('1s')
    assert.equal(test.deadLetters().length, 1)
    return test.printed()
  }
  assert.equal(checked(), 'a\nb\ne\n')
  assert.equal(checked('1s'), batch('Time: 1970-01-01 00:00:01', 'a', 'b', 'e'))
})

test('O4 a format that throws, or a value that has no JSON, is a dead letter of the step', () => {
  const test = testPipeline([
    from(lines).print({ format: (line) => (line === 'bad' ? nothing() : line.padEnd(3, '.')) }),
    from(lines)
      .map((line) => {
        const cycle: unknown[] = [line]
        if (line === 'cycle') cycle.push(cycle)
        return cycle
      })
      .print({ every: '1s' }),
  ])
  for (const line of ['a', 'bad', 'cycle']) test.push(lines, line)
  test.advance('1s')
  assert.equal(test.printed(), `a..\n${batch('Time: 1970-01-01 00:00:01', '["a"]')}`)
  assert.deepEqual(
    test.deadLetters().map(({ offset, step }) => [offset, /print/.test(step)]),
    [
      [1, true],
      [2, true],
    ],
  )
})

function nothing(): string {
  throw new Error('nothing')
}
