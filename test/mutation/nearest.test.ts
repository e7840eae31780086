import assert from 'node:assert/strict'
import { test } from 'vitest'
import { treeOf } from '../tidy/tree.ts'
import { nearestTests, waves } from './nearest.ts'

const tree = treeOf({
  'src/index.ts': "export { fold } from './engine/fold.ts'",
  'src/engine/fold.ts': "import { slice } from './slices/slice.ts'",
  'src/engine/fold.test.ts': "import { fold } from './fold.ts'",
  'src/engine/slices/slice.ts': 'export const slice = 1',
  'src/engine/slices/slice.test.ts': "import { slice } from './slice.ts'",
  'src/engine/other.test.ts': "import { fold } from './fold.ts'",
  'src/engine/types.test.ts': "import type { Slice } from './slices/slice.ts'",
  'src/log/log.test.ts': "import { log } from './log.ts'",
  'src/log/kafka.kafka.test.ts': "import { fold } from '../engine/fold.ts'",
  'test/mutants/doors.test.ts': "import { fold } from 'millrace'",
})

test('tests that load a file, the nearest first: by imports, folder and name', () => {
  assert.deepEqual(nearestTests(tree, 'src/engine/slices/slice.ts'), [
    'src/engine/slices/slice.test.ts',
    'src/engine/fold.test.ts',
    'src/engine/other.test.ts',
    'test/mutants/doors.test.ts',
  ])
  assert.equal(nearestTests(tree, 'src/engine/fold.ts')[0], 'src/engine/fold.test.ts')
})

test('what no test loads has none', () => {
  assert.deepEqual(nearestTests(tree, 'src/log/nobody.ts'), [])
})

test('waves: the sizes asked for, then the rest', () => {
  assert.deepEqual(waves(['a', 'b', 'c', 'd'], [1, 2]), [['a'], ['b', 'c'], ['d']])
  assert.deepEqual(waves(['a', 'b'], [4, 16]), [['a', 'b']])
  assert.deepEqual(waves([], [4]), [])
})
