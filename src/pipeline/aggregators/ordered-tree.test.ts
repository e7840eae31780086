import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ceiling, find, itemsOf, least, put, remove, sizeOf, treeOf } from './ordered-tree.ts'
import type { Tree } from './ordered-tree.ts'

interface Item {
  readonly n: number
  readonly mark: number
}
const byNumber = (a: Item, b: Item): number => a.n - b.n
const at = (n: number): Item => ({ n, mark: -1 })

/** @returns its size; checks that sides are in proportion */
function checkBalance(tree: Tree<Item>): number {
  if (tree === null) return 0
  const [left, right] = [checkBalance(tree.left), checkBalance(tree.right)]
  expect(tree.size).toBe(left + right + 1)
  expect(Math.max(left, right) + 1).toBeLessThanOrEqual(3 * (Math.min(left, right) + 1))
  return tree.size
}

test('as a sorted list; a tree that was changed stays as it was', () => {
  const step = fc.record({ n: fc.nat({ max: 40 }), puts: fc.integer({ min: 0, max: 2 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, isAscending) => {
      const ordered = isAscending ? steps.toSorted((a, b) => a.n - b.n) : steps
      let tree: Tree<Item> = null
      let list: Item[] = []
      ordered.forEach(({ n, puts }, mark) => {
        const [treeBefore, listBefore] = [tree, list]
        const rest = list.filter((item) => item.n !== n)
        const item = { n, mark }
        list = puts > 0 ? [...rest, item].toSorted(byNumber) : rest
        tree = puts > 0 ? put(tree, item, byNumber) : remove(tree, at(n), byNumber)
        if (list.length === listBefore.length && puts === 0) expect(tree).toBe(treeBefore)
        expect(itemsOf(treeBefore)).toStrictEqual(listBefore)
        expect(itemsOf(tree)).toStrictEqual(list)
        checkBalance(tree)
      })
      expect(sizeOf(tree)).toBe(list.length)
      expect(least(tree)).toBe(list[0])
      expect(itemsOf(tree, 3)).toStrictEqual(list.slice(0, 3))
      expect(itemsOf(tree, 0)).toStrictEqual([])
      for (let n = -1; n < 42; n++) {
        expect(find(tree, at(n), byNumber)).toBe(list.find((item) => item.n === n))
        expect(ceiling(tree, at(n), byNumber)).toBe(list.find((item) => item.n >= n))
      }
      const again = treeOf(list)
      expect(itemsOf(again)).toStrictEqual(list)
      checkBalance(again)
    }),
    { numRuns: 150 },
  )
})
