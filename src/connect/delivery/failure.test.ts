import assert from 'node:assert/strict'
import { test } from 'vitest'
import { MillraceError } from '../../core/error.ts'
import { failureKind } from './failure.ts'

const withCode = (code: string, cause?: unknown): Error =>
  Object.assign(new Error('x', { cause }), { code })

test('what a failure says of the destination', () => {
  const refused = new MillraceError('sink-refused', 'no')
  const cases: readonly [unknown, ReturnType<typeof failureKind>][] = [
    [refused, 'refused'],
    [new MillraceError('sink-unavailable', 'later'), 'unavailable'],
    [new MillraceError('sink-failed', 'oops'), 'failed'],
    [withCode('ECONNREFUSED'), 'unavailable'],
    [new TypeError('fetch failed', { cause: withCode('ECONNRESET') }), 'unavailable'],
    [new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]), 'unavailable'],
    [new AggregateError([withCode('ECONNREFUSED'), new Error('x')]), 'failed'],
    [new AggregateError([]), 'failed'],
    [withCode('ENOENT'), 'failed'],
    ['text', 'failed'],
    [undefined, 'failed'],
  ]
  for (const [thrown, kind] of cases) assert.equal(failureKind(thrown), kind, String(thrown))
})
