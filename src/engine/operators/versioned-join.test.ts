import assert from 'node:assert/strict'
import { test } from 'vitest'
import { asOf, from, string, topic } from '../../index.ts'
import type { Duration } from '../../index.ts'
import { isCode } from '../../core/error.ts'
import type { JoinedTable } from '../../pipeline/join-types.ts'
import type { Stream } from '../../pipeline/stream.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import { checkTable } from '../conformance/join-table.ts'

const settings = { codec: string(), key: 'record', idleAfter: '1h' } as const
const left = topic('left', settings)
const right = topic('right', settings)
/** The right topic as a table. */
const rows: JoinedTable<string, string> = {
  kind: 'table',
  node: from(right).map((after) => ({ before: null, after })).node,
}

function cases(title: string, pipeline: Stream<unknown, string>, text: string): void {
  test(title, () => checkTable(testPipeline(pipeline.named('join').to(topic('out'))), text))
}

cases(
  'as of: the newest quote at or before, decided when event time has passed the trade',
  from(left).join(from(right), asOf('10ms')),
  `
  r k@5:p k@8:q      |
  l k@10:a k@8:b     |
  wm 8               |
  r k@10:r k@11:s    | k@8:b+q
  wm 10              |
  wm 11              | k@10:a+r`,
)

cases(
  'as of: at most the tolerance older, of equal times the one that came last',
  from(left).join(from(right), asOf('10ms'), { type: 'left' }),
  `
  r k@5:p k@5:q        |
  l k@15:a k@16:b      |
  l k@4:c j@15:d k@5:e | late k:c join
  wm 30                | k@5:e+q; j@15:d+-; k@15:a+q; k@16:b+-`,
)

cases(
  'as of: results in order of event time, key, arrival',
  from(left).join(from(right), asOf('10ms'), { type: 'left' }),
  `
  r b@1:p a@1:q                |
  l b@9:x a@9:y b@9:x2 a@12:w  |
  wm 30                        | a@9:y+q; b@9:x+p; b@9:x2+p; a@12:w+-`,
)

cases(
  'as of: a quote is late when no trade can meet it any more',
  from(left).join(from(right), asOf('10ms')),
  `
  r k@20:p          |
  l k@20:a          |
  r k@21:q          |
  l k@25:b          | k@20:a+p
  wm 25             |
  r k@14:late       | late k:late join
  r j@15:r          |
  r k@23:s          |
  r k@22:late       | late k:late join
  l j@25:c          |
  wm 30             | j@25:c+r; k@25:b+s`,
)

cases(
  'a table: the row that was valid at the event time, deletes are versions too',
  from(left).join(rows, { type: 'left' }),
  `
  r k@0:p k@2000:q k@4000:! k@6000:r               |
  l k@-1:a k@0:b k@1999:c k@2000:d                 | k@-1:a+-; k@0:b+p; k@1999:c+p
  l k@4000:e k@6000:f                              | k@2000:d+q; k@4000:e+-
  wm 6000                                          |
  wm 6001   | k@6000:f+r`,
)

cases(
  'a table: changes out of order, and at the time of a record, count',
  from(left).join(rows),
  `
  l z@1000:w           |
  r k@5000:q k@3000:p  |
  l k@4000:a           |
  r k@4000:r k@4000:s  |
  wm 4001              | k@4000:a+s
  wm 7001              |
  l k@7001:b           |
  r k@4999:late        | late k:late join
  r j@10:old           |
  l j@7001:c           |
  wm 9000              | j@7001:c+old; k@7001:b+q`,
)

cases(
  'a table without history: what the watermark has passed is late',
  from(left).join(rows),
  `
  r k@5000:q       |
  wm 8000          |
  l k@7999:a k@8000:b | late k:a join
  wm 8001          | k@8000:b+q`,
)

cases(
  'a table with a history: late records are joined at once, as far back as that',
  from(left).join(rows, { type: 'left', history: '5s' }),
  `
  r k@1000:p k@3000:q k@9000:r k@9500:!      |
  wm 10000                                   |
  l k@9999:a k@9400:b k@6000:c k@5000:d      | k@9999:a+-; k@9400:b+r; k@6000:c+q; k@5000:d+q
  l k@4999:e                                 | late k:e join
  r k@8000:s                                 |
  l k@8500:f k@7999:g                        | k@8500:f+s; k@7999:g+q
  r k@2999:late k@3000:q2                    | late k:late join
  l k@5000:h                                 | k@5000:h+q2`,
)

cases(
  'a table: latest, at once, whatever the event times',
  from(left).join(rows, { asOf: 'latest', type: 'left' }),
  `
  l k@5:a          | k@5:a+-
  r k@900:p        |
  l k@1:b j@7:c    | k@1:b+p; j@7:c+-
  r k@3:q          |
  l k@950:d        | k@950:d+q
  r k@4:!          |
  l k@951:e        | k@951:e+-
  l null@3:f       | dead null:f join`,
)

cases(
  'a table: latest, inner',
  from(left).join(rows, { asOf: 'latest' }),
  `
  l k@5:a          |
  r k@900:p null@3:x | dead null:x join
  l k@1:b j@7:c    | k@1:b+p`,
)

test('O4 a function behind that throws: the record alone is dead, the others go on', () => {
  const pipeline = from(left)
    .join(rows, { history: '5s' })
    .map(({ left: l, right: r }) => {
      if (l === 'bad') throw new Error('no')
      return { left: l, right: r }
    })
    .named('check')
  checkTable(
    testPipeline(pipeline.to(topic('out'))),
    `
    r k@1:p               |
    l k@2:bad k@2:a       |
    wm 10                 | k@2:a+p; dead k:{"left":"bad","right":"p"} check
    l k@9:bad k@9:b       | k@9:b+p; dead k:bad check`,
  )
})

test('refused: no history, and what cannot be said of a table', () => {
  const join = (...given: unknown[]): Stream<unknown, string> =>
    (from(left).join as (...args: unknown[]) => Stream<unknown, string>)(...given)
  assert.throws(
    () => testPipeline(join(rows, { history: '0ms' }).named('pay').to(topic('out'))),
    (thrown) =>
      isCode(thrown, 'invalid-plan') &&
      /history cannot be '0ms' \(step 'pay'\)/.test(thrown.message),
  )
  for (const given of [
    [rows, { type: 'full' }],
    [rows, { asOf: 'now' }],
    [rows, { asOf: 'latest', history: '1s' }],
    [from(right), asOf('1s'), { type: 'right' }],
    [from(right), asOf('1s'), { lateness: '1s' }],
  ]) {
    assert.throws(
      () => join(...given),
      (thrown) => isCode(thrown, 'invalid-argument'),
    )
  }
  const bad = '1 s' as Duration
  assert.throws(
    () => join(rows, { history: bad }),
    (thrown) => isCode(thrown, 'invalid-duration'),
  )
  assert.throws(
    () => asOf(bad),
    (thrown) => isCode(thrown, 'invalid-duration'),
  )
})
