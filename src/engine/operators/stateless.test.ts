import assert from 'node:assert/strict'
import { test } from 'vitest'
import { bytes, from, json, pipeline, string, topic } from '../../index.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'

const words = topic('words', { codec: string(), key: 'record' })
const out = topic('out')

function failing(word: string): string {
  if (word === 'bad') throw new Error(`no ${word}`)
  return word
}

test('map and filter keep key and event time; a falsy value is not passed on', () => {
  const test = testPipeline(
    from(words)
      .filter((word) => word.length > 1)
      .map((word) => word.toUpperCase())
      .to(out),
  )
  test.push(words, 'ab', { key: 'k', time: -7 })
  test.push(words, 'c', { key: 'k' })
  test.push(words, 'de', { time: 1.5 })
  assert.deepEqual(
    test.records('out').map(({ value, key, time }) => [value, key, time]),
    [
      ['AB', 'k', -7],
      ['DE', null, 1.5],
    ],
  )
})

test('flatMap: arrays and any iterable, in order, none and many', () => {
  const test = testPipeline(
    from(words)
      .flatMap((word) => (word.startsWith('set') ? new Set(word.split(' ')) : word.split('')))
      .to(out),
  )
  for (const word of ['abc', '', 'set a a b']) test.push(words, word)
  assert.deepEqual(test.outputs('out'), ['a', 'b', 'c', 'set', 'a', 'b'])
})

for (const [title, make] of [
  ['map', () => from(words).map(failing).named('step')],
  [
    'filter',
    () =>
      from(words)
        .filter((word) => failing(word) !== '')
        .named('step'),
  ],
  ['keyBy', () => from(words).keyBy(failing).named('step')],
  [
    'flatMap',
    () =>
      from(words)
        .flatMap((word) => [failing(word)])
        .named('step'),
  ],
  [
    'a generator half-way',
    () =>
      from(words)
        .flatMap(function* (word) {
          if (word === 'bad') yield 'half'
          yield failing(word)
        })
        .named('step'),
  ],
] as const) {
  test(`O4 ${title} that throws leaves a dead letter only; the next record proceeds`, () => {
    const stream = make()
    const test = testPipeline(pipeline('p', stream.to(out), stream.print()))
    for (const word of ['a', 'bad', 'b']) test.push(words, word, { key: 'k' })
    assert.deepEqual(test.outputs('out'), ['a', 'b'])
    assert.equal(test.printed(), 'a\nb\n')
    const [letter, ...others] = test.deadLetters()
    assert.deepEqual(others, [])
    const { reason, step, message, offset, key, value } = letter ?? {}
    assert.deepEqual(
      { reason, step, message, offset, key, value },
      { reason: 'step-failed', step: 'step', message: 'no bad', offset: 1, key: 'k', value: 'bad' },
    )
  })
}

test('O4 a throw after outputs to several topics takes all of them back', () => {
  const test = testPipeline([
    from(words).to(out),
    from(words).to(topic('out2')),
    from(words).forEach((word) => void failing(word)),
  ])
  for (const word of ['a', 'bad', 'b']) test.push(words, word)
  for (const name of ['out', 'out2']) {
    assert.deepEqual(
      test.records(name).map(({ value, offset }) => [value, offset]),
      [
        ['a', 0],
        ['b', 1],
      ],
    )
  }
})

test('branch: the first case that holds, else rest; a case that throws is a dead letter', () => {
  const { long, a, rest } = from(words).branch({
    long: (word) => failing(word).length > 3,
    a: (word) => word.includes('a'),
  })
  const test = testPipeline([
    long.to(topic('long')),
    a.to(topic('a')),
    rest.to(topic('rest')),
    long.print({ label: 'long' }),
  ])
  for (const word of ['aaaa', 'a', 'b', 'bad', 'bbbb']) test.push(words, word)
  assert.deepEqual(test.outputs('long'), ['aaaa', 'bbbb'])
  assert.deepEqual(test.outputs('a'), ['a'])
  assert.deepEqual(test.outputs('rest'), ['b'])
  assert.equal(test.printed(), 'long  aaaa\nlong  bbbb\n')
  assert.equal(test.deadLetters().length, 1)
})

test('keyBy: the new key goes along; what is no key is a dead letter', () => {
  const test = testPipeline(
    from(words)
      .keyBy((word) => (word === 'object' ? ({} as unknown as string) : [word, word.length]))
      .to(out),
  )
  for (const word of ['a', 'object']) test.push(words, word, { key: 'old' })
  assert.deepEqual(
    test.records('out').map(({ key }) => key),
    ['["a",1]'],
  )
  assert.deepEqual(
    test.deadLetters().map(({ reason, value }) => [reason, value]),
    [['invalid-argument', 'object']],
  )
})

test('forEach is told value, key and event time', () => {
  const seen: unknown[] = []
  const test = testPipeline(
    from(words).forEach((word, { key, time }) => seen.push([word, key, time])),
  )
  test.push(words, 'a', { key: 'k', time: 5 })
  assert.deepEqual(seen, [['a', 'k', 5]])
})

test('merge: the records of all, in order of event time as far as they are at hand', () => {
  const others = topic('others', { codec: string(), key: 'record' })
  const test = testPipeline(from(words).merge(from(others)).to(out))
  test.push(words, 'a', { time: 5 })
  test.push(others, 'b', { time: 3 })
  test.push(words, 'bad', { time: 9 })
  assert.deepEqual(test.outputs('out'), ['a', 'b', 'bad'])
})

test('to: key of the topic before that of the stream; partitions by key; tombstones', () => {
  const compacted = topic('compacted', {
    codec: json<{ id: string } | null>(),
    key: (value) => value?.id ?? 'none',
    compact: true,
    partitions: 3,
  })
  const test = testPipeline(
    from(words)
      .map((word) => (word === 'null' ? null : { id: word }))
      .to(compacted),
  )
  for (const word of ['a', 'null', 'b']) test.push(words, word, { key: 'stream' })
  const records = test
    .records(compacted)
    .toSorted((x, y) => ((x.key ?? '') < (y.key ?? '') ? -1 : 1))
  assert.deepEqual(
    records.map(({ key, value }) => [key, value]),
    [
      ['a', { id: 'a' }],
      ['b', { id: 'b' }],
      ['none', null],
    ],
  )
  assert.equal(new Set(records.map(({ partition }) => partition)).size > 1, true)
})

test('to: a record without key stays in the partition it came from', () => {
  const wide = topic('wide', { codec: string(), partitions: 3 })
  const test = testPipeline(from(wide).to(topic('out', { partitions: 2 })))
  for (const partition of [0, 1, 2]) test.push(wide, `${partition}`, { partition })
  assert.deepEqual(
    test.records('out').map(({ value, partition }) => [value, partition]),
    [
      ['0', 0],
      ['2', 0],
      ['1', 1],
    ],
  )
})

test('to: what the codec cannot write, and no key for a compacted topic, are dead letters', () => {
  const raw = topic('raw', { codec: bytes() })
  const compacted = topic('compacted', { codec: string(), compact: true })
  const test = testPipeline([
    from(words)
      .map((word) => (word === 'a' ? Buffer.from(word) : (5 as unknown as Buffer)))
      .to(raw),
    from(words).to(compacted),
  ])
  test.push(words, 'a', { key: 'k' })
  test.push(words, 'b', { key: 'k' })
  test.push(words, 'a')
  assert.deepEqual(
    test.deadLetters().map(({ offset, reason }) => [offset, reason]),
    [
      [1, 'encode-failed'],
      [2, 'step-failed'],
    ],
  )
  assert.deepEqual(test.outputs('compacted'), ['a'])
  assert.equal(test.outputs('raw').length, 1)
})
