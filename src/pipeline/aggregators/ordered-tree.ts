/**
 * An ordered set that never changes: each change makes a new tree, sharing all but the path to it.
 * Weight-balanced (S. Adams 1993, with the parameters 3 and 2 that Y. Hirai and K. Yamamoto proved
 * right, 2011): O(log n) time and new nodes a change.
 */

/** Null: nothing in it. */
export type Tree<T> = Branch<T> | null

interface Branch<T> {
  readonly item: T
  readonly left: Tree<T>
  readonly right: Tree<T>
  readonly size: number
}

/** A total order; items for which it gives 0 are one. */
export type Compare<T> = (a: T, b: T) => number

/** Neither side weighs more than so many times the other. */
const weightRatio = 3
/** Whether one rotation does, by the weights of the heavier side's own sides. */
const singleRatio = 2

export function sizeOf<T>(tree: Tree<T>): number {
  return tree === null ? 0 : tree.size
}

/** With the item, instead of the one equal to it if there is one. */
export function put<T>(tree: Tree<T>, item: T, compare: Compare<T>): Branch<T> {
  if (tree === null) return { item, left: null, right: null, size: 1 }
  const order = compare(item, tree.item)
  if (order < 0) return balanced(tree.item, put(tree.left, item, compare), tree.right)
  if (order > 0) return balanced(tree.item, tree.left, put(tree.right, item, compare))
  return { item, left: tree.left, right: tree.right, size: tree.size }
}

/** Without the item equal to the given one. Without such an item the tree comes back. */
export function remove<T>(tree: Tree<T>, item: T, compare: Compare<T>): Tree<T> {
  if (tree === null) return null
  const order = compare(item, tree.item)
  if (order === 0) return joined(tree.left, tree.right)
  const from = order < 0 ? tree.left : tree.right
  const rest = remove(from, item, compare)
  if (rest === from) return tree
  return order < 0 ? balanced(tree.item, rest, tree.right) : balanced(tree.item, tree.left, rest)
}

/** The item equal to `probe`. */
export function find<T>(tree: Tree<T>, probe: T, compare: Compare<T>): T | undefined {
  let at = tree
  while (at !== null) {
    const order = compare(probe, at.item)
    if (order === 0) return at.item
    at = order < 0 ? at.left : at.right
  }
  return undefined
}

/** The least item not before `probe`. */
export function ceiling<T>(tree: Tree<T>, probe: T, compare: Compare<T>): T | undefined {
  let found: T | undefined
  let at = tree
  while (at !== null) {
    const order = compare(probe, at.item)
    if (order === 0) return at.item
    if (order < 0) found = at.item
    at = order < 0 ? at.left : at.right
  }
  return found
}

export function least<T>(tree: Tree<T>): T | undefined {
  let at = tree
  while (at !== null && at.left !== null) at = at.left
  return at?.item
}

/** The first `limit` items in order. */
export function itemsOf<T>(tree: Tree<T>, limit: number = Number.POSITIVE_INFINITY): T[] {
  const items: T[] = []
  const path: Branch<T>[] = []
  let at = tree
  while (items.length < limit) {
    for (; at !== null; at = at.left) path.push(at)
    const next = path.pop()
    if (next === undefined) break
    items.push(next.item)
    at = next.right
  }
  return items
}

/** @param items in order, no two equal */
export function treeOf<T>(items: readonly T[], from = 0, to: number = items.length): Tree<T> {
  if (from >= to) return null
  const middle = (from + to) >>> 1
  return branch(items[middle] as T, treeOf(items, from, middle), treeOf(items, middle + 1, to))
}

function branch<T>(item: T, left: Tree<T>, right: Tree<T>): Branch<T> {
  return { item, left, right, size: sizeOf(left) + sizeOf(right) + 1 }
}

/** Weights count the empty places, so that they are never 0. */
function weight<T>(tree: Tree<T>): number {
  return sizeOf(tree) + 1
}

/** Of sides that were balanced before one of them changed by one item. */
function balanced<T>(item: T, left: Tree<T>, right: Tree<T>): Branch<T> {
  const leftWeight = weight(left)
  const rightWeight = weight(right)
  if (right !== null && rightWeight > leftWeight * weightRatio) {
    const { left: inner, right: outer } = right
    if (inner === null || weight(inner) < weight(outer) * singleRatio) {
      return branch(right.item, branch(item, left, inner), outer)
    }
    return branch(
      inner.item,
      branch(item, left, inner.left),
      branch(right.item, inner.right, outer),
    )
  }
  if (left !== null && leftWeight > rightWeight * weightRatio) {
    const { left: outer, right: inner } = left
    if (inner === null || weight(inner) < weight(outer) * singleRatio) {
      return branch(left.item, outer, branch(item, inner, right))
    }
    return branch(
      inner.item,
      branch(left.item, outer, inner.left),
      branch(item, inner.right, right),
    )
  }
  return branch(item, left, right)
}

function joined<T>(left: Tree<T>, right: Tree<T>): Tree<T> {
  if (left === null) return right
  if (right === null) return left
  return balanced(least(right) as T, left, withoutLeast(right))
}

function withoutLeast<T>(tree: Branch<T>): Tree<T> {
  if (tree.left === null) return tree.right
  return balanced(tree.item, withoutLeast(tree.left), tree.right)
}
