import assert from 'node:assert/strict'
import { test } from 'vitest'
import {
  calendar,
  cumulative,
  from,
  sameWindow,
  session,
  sliding,
  string,
  topic,
  tumbling,
} from '../../index.ts'
import type { JoinType, WindowSpec } from '../../index.ts'
import { isCode } from '../../core/error.ts'
import { testPipeline } from '../../testing/test-pipeline.ts'
import { checkTable } from '../conformance/join-table.ts'

const settings = { codec: string(), key: 'record', idleAfter: '1h' } as const
const joined = (window: WindowSpec, type: JoinType) =>
  from(topic('left', settings))
    .join(from(topic('right', settings)), sameWindow(window), { type })
    .named('join')

function cases(title: string, window: WindowSpec, type: JoinType, text: string): void {
  test(title, () => checkTable(testPipeline(joined(window, type).to(topic('out'))), text))
}

cases(
  'tumbling: pairs at the close, in order of key, left arrival, right arrival',
  tumbling('10ms'),
  'inner',
  `
  l k@9:a                  |
  r j@3:w k@5:x k@2:y      |
  l j@3:c k@10:d           |
  r k@10:z                 | j@9[0,10):c+w; k@9[0,10):a+x; k@9[0,10):a+y
  l k@9:late k@19:e        | late k:late join
  wm 19                    |
  wm 20                    | k@19[10,20):d+z; k@19[10,20):e+z`,
)

cases(
  'full: rows without a partner in their window',
  tumbling('10ms'),
  'full',
  `
  l b@1:a a@2:b a@12:c     |
  r c@3:x a@4:y            |
  r a@25:z null@25:q       | a@9[0,10):b+y; b@9[0,10):a+-; c@9[0,10):-+x; dead null:q join
  wm 50                    | a@19[10,20):c+-; a@29[20,30):-+z`,
)

cases(
  'left and right: the other side alone gives nothing',
  tumbling('10ms'),
  'right',
  `
  l k@1:a j@1:b |
  r i@3:x k@4:y |
  wm 10         | i@9[0,10):-+x; k@9[0,10):a+y`,
)

cases(
  'sliding: each window that holds both; a record in time for one of its windows counts there',
  sliding('10ms', { every: '5ms' }),
  'left',
  `
  l k@7:a   |
  r k@3:x   |
  wm 10     | k@9[0,10):a+x
  r k@9:y   |
  wm 15     | k@14[5,15):a+y
  l k@9:b   | late k:b join
  wm 40     |`,
)

cases(
  'sliding: rows of several slices come as they arrived',
  sliding('10ms', { every: '5ms' }),
  'inner',
  `
  l k@7:a k@2:b k@8:c |
  r k@6:x             |
  wm 10               | k@9[0,10):a+x; k@9[0,10):b+x; k@9[0,10):c+x
  wm 15               | k@14[5,15):a+x; k@14[5,15):c+x`,
)

cases(
  'cumulative: from the start of the period to each step',
  cumulative('10ms', { within: '30ms' }),
  'inner',
  `
  l k@5:a   |
  r k@15:x  |
  wm 10     |
  wm 20     | k@19[0,20):a+x
  l k@5:b   |
  wm 30     | k@29[0,30):a+x; k@29[0,30):b+x
  l k@29:c  | late k:c join`,
)

cases(
  'calendar: a day of 23 hours',
  calendar('1d', { timeZone: 'Europe/Berlin' }),
  'inner',
  `
  l k@1711839600000:a  |
  r k@1711922399999:x  |
  wm 1711922399999     |
  wm 1711922400000     | k@1711922399999[1711839600000,1711922400000):a+x`,
)

test('O4 a function behind that throws: that pair alone is dead', () => {
  const pipeline = joined(tumbling('10ms'), 'left').map((pair) => {
    if (pair.right === 'bad') throw new Error('no')
    return pair
  })
  const driven = testPipeline(pipeline.named('check').to(topic('out')))
  for (const value of ['x', 'bad', 'y']) driven.push('right', value, { key: 'k', time: 1 })
  driven.push('left', 'a', { key: 'k', time: 1 })
  driven.push('left', 'b', { key: 'k', time: 30 })
  driven.push('right', 'b', { key: 'k', time: 30 })
  const rights = (driven.outputs('out') as { right: string }[]).map(({ right }) => right)
  assert.deepEqual(rights, ['x', 'y'])
  assert.equal(driven.deadLetters().length, 1)
})

test('refused with the plan: windows that a record alone does not tell, and of the clock', () => {
  for (const window of [session('10ms'), tumbling('10ms', { time: 'processing' })]) {
    assert.throws(
      () => testPipeline(joined(window, 'inner').to(topic('out'))),
      (thrown) => isCode(thrown, 'invalid-plan') && thrown.message.includes("step 'join'"),
    )
  }
  assert.throws(
    () => sameWindow('1s' as never),
    (thrown) => isCode(thrown, 'invalid-argument'),
  )
})
