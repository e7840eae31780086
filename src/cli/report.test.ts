import { expect, test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import { errorReport } from './report.ts'

const plain = { withStack: false }

test('what happened, then what to do', () => {
  const error = new MillraceError('unknown-topic', "topic 't' does not exist", {
    at: { topic: 't' },
    hint: 'create it',
  })
  expect(errorReport(error, plain)).toBe("millrace: topic 't' does not exist\n  create it")
})

test('the place stays where the message does not say it', () => {
  const error = new MillraceError('log-damaged', 'a batch is cut off', {
    at: { topic: 't', partition: 0, offset: 7 },
  })
  expect(errorReport(error, plain)).toBe('millrace: a batch is cut off (t/0@7)')
})

test('an error of another kind: no stack, but how to see it', () => {
  expect(errorReport(new TypeError('oops'), plain)).toBe(
    'millrace: oops\n  run it again with --debug for the stack',
  )
  expect(errorReport('text', plain)).toContain('millrace: text')
})

test('with the stack, and the causes', () => {
  const error = new MillraceError('log-failed', 'no', { hint: 'do', cause: new Error('inner') })
  const text = errorReport(error, { withStack: true })
  expect(text).toMatch(/^millrace: MillraceError: no\n\s+at .*report\.test\.ts/)
  expect(text).toContain('\n  do\ncaused by: Error: inner\n')
})
