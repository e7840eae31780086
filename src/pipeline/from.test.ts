import { describe, expect, test } from 'vitest'
import { json, string } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import { count } from './aggregators/count.ts'
import { from } from './from.ts'
import type { Pipeline } from './node.ts'
import { pipeline } from './pipeline.ts'
import { topic } from './topic.ts'
import { tumbling } from './window.ts'

const lines = topic('lines', { codec: string(), key: 'record' })
const out = topic('out', { codec: json<unknown>() })

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return `${thrown.code}: ${thrown.message}`
    throw thrown
  }
  return 'nothing was thrown'
}

describe('streams', () => {
  test('each method gives a new stream and leaves the one before', () => {
    const source = from(lines)
    const before = source.node
    const mapped = source.map((line) => line.length)
    expect(source.node).toBe(before)
    expect(mapped.node).toMatchObject({ kind: 'map', input: before, named: null })
    expect(source.node).toMatchObject({ kind: 'source', topic: lines.spec })
  })

  test('a window becomes part of the aggregate behind it', () => {
    const { node } = from(lines)
      .window(tumbling('1m'), { lateness: '10s' })
      .aggregate({ n: count() })
    expect(node).toMatchObject({
      kind: 'aggregate',
      window: { kind: 'tumbling', sizeMs: 60_000 },
      latenessMs: 10_000,
      fields: [{ name: 'n', aggregator: { kind: 'count' } }],
    })
    const reduced = from(lines).reduce((a, b) => a + b)
    expect(reduced.node).toMatchObject({ kind: 'reduce', window: null, latenessMs: 0 })
  })

  test('branches share one step', () => {
    const split = from(lines).branch({ long: (line) => line.length > 9, empty: (l) => l === '' })
    expect(Object.keys(split)).toStrictEqual(['long', 'empty', 'rest'])
    const inputs = Object.values(split).map(
      ({ node }) => node.kind === 'branch-output' && node.input,
    )
    expect(new Set(inputs).size).toBe(1)
    expect(split.rest.node).toMatchObject({ kind: 'branch-output', output: 'rest' })
  })

  test('merge keeps the order of its inputs', () => {
    const [a, b, c] = [1, 2, 3].map((n) => from(lines).map(() => n))
    const merged = a!.merge(b!, c!)
    expect(merged.node).toMatchObject({ kind: 'merge', inputs: [a!.node, b!.node, c!.node] })
  })

  test('named names the step made last, with characters that are safe everywhere', () => {
    expect(from(lines).filter(Boolean).named('v-1._x').node).toMatchObject({
      kind: 'filter',
      named: 'v-1._x',
    })
    for (const name of ['', 'A', 'a b', 'a/b', 'a'.repeat(61), 'main']) {
      expect(codeOf(() => from(lines).named(name))).toContain(
        `invalid-argument: a step cannot be named '${name}'`,
      )
    }
  })

  test('sinks', () => {
    const print = from(lines).print({ every: '1s', label: 'lines' })
    expect(print.sinks[0]).toMatchObject({
      kind: 'print',
      options: { everyMs: 1000, first: 10, label: 'lines', format: null },
    })
    expect(from(lines).print().sinks[0]).toMatchObject({ options: { everyMs: null } })
    expect(from(lines).to(out).sinks[0]).toMatchObject({ kind: 'to', topic: out.spec })
    expect(from(lines).forEach(() => {}).sinks[0]).toMatchObject({ kind: 'forEach' })
  })

  test('pipeline joins outputs under a name', () => {
    const [a, b] = [from(lines).print(), from(lines).to(out)]
    const joined = pipeline('both', a, b)
    expect(joined).toStrictEqual({
      kind: 'pipeline',
      name: 'both',
      sinks: [...a.sinks, ...b.sinks],
      feeds: [],
    })
    expect(codeOf(() => pipeline('a b', a))).toContain('invalid-argument')
    expect(codeOf(() => pipeline('empty'))).toContain('invalid-plan: there is no pipeline')
  })
})

describe('callers without types', () => {
  const stream = from(lines)
  const bad = 5 as never
  test.each<[string, () => unknown]>([
    ['from takes a topic', () => from('lines' as never)],
    ['to takes a topic', () => stream.to(bad)],
    ['map takes a function', () => stream.map(bad)],
    ['filter takes a function', () => stream.filter(bad)],
    ['flatMap takes a function', () => stream.flatMap(bad)],
    ['keyBy takes a function', () => stream.keyBy(bad)],
    ['reduce takes a function', () => stream.reduce(bad)],
    ['forEach takes a function', () => stream.forEach(bad)],
    ['merge takes streams', () => stream.merge(bad)],
    ['window takes a window', () => stream.window(bad)],
    ["field 'n' takes an aggregator", () => stream.aggregate({ n: bad })],
    ['branch has no cases', () => stream.branch({})],
    ["a branch cannot be named 'rest'", () => stream.branch({ rest: bad } as never)],
    ["a branch cannot be named 'a b'", () => stream.branch({ 'a b': () => true })],
    ["branch 'a' takes a function", () => stream.branch({ a: bad })],
    ['first takes a whole number', () => stream.print({ first: 0 })],
    ["every takes at least '1ms'", () => stream.print({ every: '0ms' })],
    ['format takes a function', () => stream.print({ format: bad })],
    ["window size cannot be '0ms'", () => tumbling('0ms')],
  ])('%s', (text, run) => {
    expect(codeOf(run)).toContain(`invalid-argument: ${text}`)
  })

  test.each<[string, () => unknown]>([
    ['window size', () => tumbling('1 minute' as never)],
    ['lateness', () => stream.window(tumbling('1m'), { lateness: '-1s' as never })],
    ['every', () => stream.print({ every: 'second' as never })],
  ])('a bad duration for %s', (name, run) => {
    expect(codeOf(run)).toContain(`invalid-duration: ${name}`)
  })

  test.each<[string, unknown]>([
    ['the stream that ends with .map() has no output', stream.map((x) => x)],
    ["the stream that ends with from(topic('lines')) has no output", stream],
    ["the stream that ends with step 'x' has no output", stream.named('x')],
    [
      "the stream that ends with branch 'rest' has no output",
      stream.branch({ a: () => true }).rest,
    ],
    ["the window behind from(topic('lines')) has no result", stream.window(tumbling('1m'))],
    ['a topic is not a pipeline', lines],
    ['a promise is not a pipeline', Promise.resolve()],
    ['a function is not a pipeline', () => {}],
    ['undefined is not a pipeline', undefined],
    ['has no output', { kind: 'pipeline', name: 'x', sinks: [] }],
  ])('given instead of a pipeline: %s', (text, given) => {
    expect(codeOf(() => pipeline('p', given as Pipeline))).toContain(`invalid-plan: `)
    expect(codeOf(() => pipeline('p', given as Pipeline))).toContain(text)
  })
})
