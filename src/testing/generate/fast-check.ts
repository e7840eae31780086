/**
 * fast-check, loaded when it is first needed: the package is optional, and `millrace/testing` works
 * without it. Its types are named here and nowhere else.
 */
import { createRequire } from 'node:module'
import { MillraceError } from '../../core/error.ts'
// Kept in the published types, so that a program without the package compiles.
// oxlint-disable-next-line typescript/ban-ts-comment
/** @ts-ignore: the package is optional. */
import type { Arbitrary } from 'fast-check'

// oxlint-disable-next-line typescript/ban-ts-comment
/** @ts-ignore: the package is optional. */
export type FastCheck = typeof import('fast-check')
export type { Arbitrary }

const packageName = 'fast-check'

/**
 * @param load for tests
 * @throws `missing-dependency`
 */
export function fastCheck(load: (name: string) => unknown = requireHere): FastCheck {
  try {
    return load(packageName) as FastCheck
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown
    throw new MillraceError('missing-dependency', `the package ${packageName} is not installed`, {
      hint: `npm install --save-dev ${packageName}`,
    })
  }
}

/** At once, as an arbitrary is wanted at once. */
function requireHere(name: string): unknown {
  return createRequire(import.meta.url)(name)
}

/** A package that fast-check itself does not find is another fault. */
function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false
  return thrown.code === 'MODULE_NOT_FOUND' && thrown.message.includes(`'${packageName}'`)
}
