/** Which tests can see a bug, the nearest first: they import its file by way of few others. */
import { posix } from 'node:path'
import type { Tree } from '../tidy/tree.ts'

/** The names under which tests import what is published (`vitest.config.ts`). */
const doors = /^millrace(?:\/(.+))?$/
const isUnitTest = (path: string): boolean =>
  path.endsWith('.test.ts') &&
  !path.endsWith('.kafka.test.ts') &&
  /^(?:src|test\/mutants|test\/sim|examples)\//.test(path)

/**
 * Test files that load `file`, those by way of the fewest imports first; among equals those that
 * lie in its folder or are called like it, and those that compare with a model. What a test starts
 * as a program of its own is not followed.
 */
export function nearestTests({ code }: Tree, file: string): string[] {
  const importers = new Map<string, string[]>()
  for (const { path, imports } of code) {
    for (const one of imports) {
      if (one.isTypeOnly) continue
      const to = one.path ?? doorOf(one.specifier)
      if (to === undefined) continue
      const known = importers.get(to)
      if (known === undefined) importers.set(to, [path])
      else known.push(path)
    }
  }
  const distances = new Map([[file, 0]])
  for (const [path, distance] of distances) {
    for (const importer of importers.get(path) ?? []) {
      if (!distances.has(importer)) distances.set(importer, distance + 1) // and is visited later
    }
  }
  const steps = (path: string): number => (distances.get(path) ?? 0) + apart(path, file)
  return [...distances.keys()]
    .filter(isUnitTest)
    .map((path) => ({
      path,
      steps: steps(path) - sharedWords(path, file) - (seesMuch(path) ? 2 : 0),
    }))
    .sort((a, b) => a.steps - b.steps || (a.path < b.path ? -1 : 1))
    .map(({ path }) => path)
}

/** `interval-join.ts` has one in common with `joins.model.test.ts`. */
function sharedWords(one: string, other: string): number {
  const words = (path: string): string[] => posix.basename(path).split(/[-.]/)
  const theirs = words(other).filter((word) => word.length > 3)
  return words(one).filter((word) => theirs.some((their) => word.startsWith(their))).length
}

function doorOf(specifier: string): string | undefined {
  const door = doors.exec(specifier)
  return door === null ? undefined : `src/${door[1] ?? 'index'}.ts`
}

/** Random input against a plain model, with commits and restarts anywhere. */
function seesMuch(path: string): boolean {
  return /\.(?:model|conformance)\.test\.ts$/.test(path)
}

/** Folders that have to be left and entered to come from one file to the other. */
function apart(one: string, other: string): number {
  const way = posix.relative(posix.dirname(one), posix.dirname(other))
  return way === '' ? 0 : way.split('/').length
}

/** The files cut into stretches, so that the nearest are run by themselves first. */
export function waves(files: readonly string[], sizes: readonly number[]): string[][] {
  const cut: string[][] = []
  let at = 0
  for (const size of [...sizes, files.length]) {
    if (at >= files.length) break
    cut.push(files.slice(at, at + size))
    at += size
  }
  return cut
}
