/** `topN`, `dedupe`, `changes` of streams, and running results with a time to live. */
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { isCode } from '../../core/error.ts'
import { count, from, json, sum, topic } from '../../index.ts'
import type { Table } from '../../index.ts'
import { OperatorRun } from '../conformance/operator-run.ts'
import { dedupeOperator } from './dedupe.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import type { PipelineTest } from '../../testing/pipeline-test.ts'

const values = topic('values', {
  codec: json<{ k: string; v: number }>(),
  key: ({ k }) => k,
  outOfOrder: '0ms',
})
const keyed = from(values)
const out = topic('out')

/** `a5@10`: value 5 of key a at 10. */
function give(driven: PipelineTest, text: string): void {
  for (const one of text.split(' ')) {
    const [, k = '', v, time] = /^([a-z]+)(-?[\d.]+)@(-?\d+)$/.exec(one) ?? assert.fail(one)
    driven.push(values, { k, v: Number(v) }, { time: Number(time) })
  }
}

describe('topN', () => {
  const tops = (stream: Table<{ top: readonly { v: number }[] }, string>) =>
    testPipeline(stream.map(({ top }) => top.map(({ v }) => v).join(' ')).to(out))

  test('changes when the first n do; greatest or smallest first', () => {
    const greatest = tops(keyed.topN(2, { by: ({ v }) => v }))
    give(greatest, 'a3@1 a5@2 a1@3 a4@0 b9@4 a3@5 a5@6 a6@7')
    assert.deepEqual(greatest.outputs(out), ['3', '5 3', '5 4', '9', '5 5', '6 5'])
    const smallest = tops(keyed.topN(3, { by: ({ v }) => `${v}`, order: 'asc' }))
    give(smallest, 'a3@1 a10@2 a1@3 a4@4 a2@5')
    assert.deepEqual(smallest.outputs(out), ['3', '10 3', '1 10 3', '1 10 2'])
  })

  test('of equal ones the one that came first stays first', () => {
    const driven = testPipeline(keyed.topN(2, { by: ({ v }) => Math.floor(v) }).to(out))
    give(driven, 'a1.1@9 a1.2@1 a1.3@2 a2.1@3 a2.2@3')
    assert.deepEqual(driven.outputs(out).at(-1), {
      key: 'a',
      top: [
        { k: 'a', v: 2.1 },
        { k: 'a', v: 2.2 },
      ],
    })
    assert.equal(driven.outputs(out).length, 4)
  })

  test('what has no order goes to the dead letters and leaves no trace', () => {
    const driven = tops(keyed.topN(2, { by: ({ v }) => (v === 0 ? Number.NaN : v) }))
    give(driven, 'a1@1 a0@2 a2@3')
    assert.deepEqual(driven.outputs(out), ['1', '2 1'])
    assert.equal(driven.deadLetters()[0]?.step, 'values.top-2')
  })

  test('n from 1 to 1000', () => {
    for (const n of [0, 1001, 1.5, Number.NaN]) {
      assert.throws(
        () => keyed.topN(n, { by: ({ v }) => v }),
        (thrown) => isCode(thrown, 'invalid-argument'),
      )
    }
    const wrong = { by: 'v', order: 'up' } as unknown as { by: () => number }
    assert.throws(
      () => keyed.topN(1, wrong),
      (thrown) => isCode(thrown, 'invalid-argument'),
    )
  })
})

describe('dedupe', () => {
  const run = (given: string) => {
    const driven = testPipeline(keyed.dedupe({ by: ({ v }) => v, within: '10ms' }).to(out))
    give(driven, given)
    const shown = driven.records(out).map(({ value, time }) => {
      const { k, v } = value as { k: string; v: number }
      return `${k}${v}@${time}`
    })
    const late = driven.late().map(({ value }) => (JSON.parse(value ?? '') as { v: number }).v)
    return [shown.join(' '), late.join(' ')]
  }

  test.each([
    ['the edges, before and after', 'a1@100 a1@90 a1@110 a1@111', 'a1@100 a1@111', ''],
    ['other keys and values', 'a1@100 b1@100 a2@101 a1@101', 'a1@100 b1@100 a2@101', ''],
    ['what was left out does not count', 'a1@0 a1@6 a1@12 a1@18 a1@24', 'a1@0 a1@12 a1@24', ''],
    ['out of order, exact up to `within` behind', 'a1@0 b0@19 a1@9 a1@8', 'a1@0 b0@19', '1'],
    ['kept as long as something close may come', 'a1@0 b0@20 a1@10', 'a1@0 b0@20', ''],
    ['across what lies between', 'a1@20 b0@25 a1@15 a1@31 a1@21', 'a1@20 b0@25 a1@31', ''],
    [
      'negative and huge times',
      'a1@-7 a1@3 a1@4 a1@8640000000000000',
      'a1@-7 a1@4 a1@8640000000000000',
      '',
    ],
  ])('%s', (_title, given, shown, late) => {
    assert.deepEqual(run(given), [shown, late])
  })

  test('its state is dropped when nothing close can come', () => {
    const driven = testPipeline(keyed.dedupe({ within: '10ms' }).to(out))
    give(driven, 'a1@0 b1@1000 c1@1000 c1@2000')
    assert.deepEqual(
      driven.explain().steps.map(({ dueMs }) => dueMs),
      [2030],
    )
  })

  test('O3 what was known before a restart is dropped at the same time', () => {
    const operator = new OperatorRun((context, { main }) =>
      dedupeOperator({ kind: 'dedupe', by: null, withinMs: 10 }, context, main),
    )
    operator.take('x', 'a', 5)
    operator.restart()
    operator.advance(29)
    operator.take('x', 'b', 50)
    assert.equal(operator.stateEntries, 2)
    operator.advance(30)
    assert.equal(operator.stateEntries, 1)
    operator.advance(80)
    assert.equal(operator.stateEntries, 0)
  })

  test('refused: no time', () => {
    assert.throws(
      () => keyed.dedupe({ within: '0ms' }),
      (thrown) => isCode(thrown, 'invalid-argument'),
    )
    assert.throws(
      () => keyed.dedupe({} as { within: '1s' }),
      (thrown) => isCode(thrown, 'invalid-duration'),
    )
  })
})

describe('changes', () => {
  const given = topic('given', { key: 'record' })

  test('by content; NaN is NaN, −0 is not 0', () => {
    const parts: unknown[] = [
      [1, { a: [new Date(0)] }],
      [1, { a: [new Date(0)] }],
      [1, { a: [new Date(1)] }],
      Number.NaN,
      Number.NaN,
      0,
      -0,
      null,
      null,
    ]
    const driven = testPipeline(
      from(given)
        .changes((i) => parts[i as number])
        .map(({ before, after }) => [before, after])
        .to(out),
    )
    for (const i of parts.keys()) driven.push(given, i, { key: 'k' })
    assert.deepEqual(driven.outputs(out), [
      [null, 0],
      [0, 2],
      [2, 3],
      [3, 5],
      [5, 6],
      [6, 7],
    ])
  })

  test('of the whole value, each key by itself', () => {
    const driven = testPipeline(keyed.changes().to(out))
    give(driven, 'a1@1 b1@2 a1@3 a2@4 b1@5')
    assert.deepEqual(driven.outputs(out), [
      { before: null, after: { k: 'a', v: 1 } },
      { before: null, after: { k: 'b', v: 1 } },
      { before: { k: 'a', v: 1 }, after: { k: 'a', v: 2 } },
    ])
  })
})

describe('a running result with a ttl', () => {
  const run = (text: string) => {
    const driven = testPipeline(
      keyed.aggregate({ n: count(), total: sum(({ v }) => v) }, { ttl: '10ms' }).to(out),
    )
    give(driven, text)
    return {
      driven,
      rows: driven.records(out).map(({ key, value, time }) => {
        const row = value as { n: number; total: number } | null
        return `${key}@${time} ${row === null ? '-' : `${row.n}:${row.total}`}`
      }),
    }
  }

  test('goes when event time has come to last + ttl, with that time, in order', () => {
    const { rows } = run('b1@0 a1@0 c1@4 c1@2 z1@14')
    assert.deepEqual(rows, [
      'b@0 1:1',
      'a@0 1:1',
      'c@4 1:1',
      'c@2 2:2',
      'z@14 1:1',
      'a@10 -',
      'b@10 -',
      'c@14 -',
    ])
  })

  test('a record at last + ttl begins anew; one before counts', () => {
    assert.deepEqual(run('a1@0 a2@9 a3@19 a4@28').rows, [
      'a@0 1:1',
      'a@9 2:3',
      'a@19 1:3',
      'a@28 2:7',
    ])
  })

  test('late where it could only make a row that is gone', () => {
    const { rows, driven } = run('z1@20 a1@10 a1@11 a1@10')
    assert.deepEqual(rows, ['z@20 1:1', 'a@11 1:1', 'a@10 2:2'])
    assert.equal(driven.late().length, 1)
  })

  test('refused: no time', () => {
    assert.throws(
      () => keyed.aggregate({ n: count() }, { ttl: '0ms' }),
      (thrown) => isCode(thrown, 'invalid-argument'),
    )
  })
})
