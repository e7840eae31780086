/** The rules of this tree, read off the tree. A failure lists file:line and what to do. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as bans from './bans.ts'
import * as imports from './imports.ts'
import * as promises from './promises.ts'
import * as sizes from './sizes.ts'
import { readTree, report } from './tree.ts'
import type { Tree, Violation } from './tree.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tree = readTree(root)
const allowances = JSON.parse(
  readFileSync(new URL('allowances.json', import.meta.url), 'utf8'),
) as sizes.Allowances

/** Codes that cannot be shown yet, and why. */
const errorGaps: promises.ErrorGaps = {}

const rules: Record<string, (tree: Tree) => Violation[]> = {
  'imports go one way': imports.checkImports,
  'no circle between files': imports.checkCircles,
  'file names say what is inside': imports.checkFileNames,
  'doors name what they give': imports.checkDoors,
  'files and functions are small': (it) => sizes.checkSizes(it, allowances),
  'lines are at most 100 columns': sizes.checkColumns,
  'clock, chance, environment and console are handed in': bans.checkBannedCalls,
  'types are not switched off': bans.checkTypesKept,
  'nothing is left lying about': bans.checkLeftovers,
  'exported names use the words of the field': bans.checkNames,
  'no path or host of one machine': bans.checkMachines,
  'every error code is thrown and asserted': (it) => promises.checkErrors(it, errorGaps),
  'every invariant has a test': promises.checkInvariants,
  'every word is defined': promises.checkGlossary,
}

test('the checks see the tree', () => {
  expect(tree.code.length).toBeGreaterThan(30)
  expect(tree.code.flatMap((file) => file.imports).length).toBeGreaterThan(100)
})

test.for(Object.entries(rules))('%s', ([, check]) => {
  expect(report(check(tree))).toBe('')
})
