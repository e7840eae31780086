import { expect, test } from 'vitest'
import { errorTable } from '../../../core/error.ts'
import { type GroupRequest, refusalOf, type Verdict, verdictOf } from './verdicts.ts'

const table: readonly (readonly [number, Partial<Record<GroupRequest, Verdict>>])[] = [
  [0, { join: 'ok', sync: 'ok', heartbeat: 'ok', leave: 'ok', streams: 'ok' }],
  [14, { join: 'later', sync: 'later', heartbeat: 'later', leave: 'later', streams: 'later' }],
  [15, same('find-coordinator')],
  [16, same('find-coordinator')],
  [22, { join: 'lost', sync: 'lost', heartbeat: 'lost', streams: 'lost' }],
  [23, same('refused')],
  [24, same('refused')],
  [25, { ...same('unknown'), leave: 'ok' }],
  [26, same('refused')],
  [27, { join: 'rejoin', sync: 'rejoin', heartbeat: 'rejoin' }],
  [29, same('refused')],
  [30, same('refused')],
  [31, same('refused')],
  [35, same('refused')],
  [42, same('refused')],
  [69, { join: 'refused', sync: 'unknown', heartbeat: 'unknown', leave: 'ok', streams: 'unknown' }],
  [79, { join: 'take-id' }],
  [81, same('refused')],
  [82, { ...same('fenced'), leave: 'ok' }],
  [110, { streams: 'lost', leave: 'ok' }],
  [111, { streams: 'later' }],
  [113, { streams: 'lost' }],
  [130, { streams: 'refused' }],
  [131, { streams: 'refused' }],
  [132, { streams: 'refused' }],
]

function same(verdict: Verdict): Record<GroupRequest, Verdict> {
  return { join: verdict, sync: verdict, heartbeat: verdict, leave: verdict, streams: verdict }
}

test('each error has its verdict', () => {
  for (const [code, verdicts] of table) {
    for (const [request, verdict] of Object.entries(verdicts))
      expect([request, code, verdictOf(request as GroupRequest, code)]).toEqual([
        request,
        code,
        verdict,
      ])
  }
})

test('an error without a row has none', () => {
  expect(verdictOf('heartbeat', 79)).toBeNull()
  expect(verdictOf('join', -1)).toBeNull()
  expect(verdictOf('join', 110)).toBeNull()
})

test('each refusal is a clear error', () => {
  const place = { group: 'g', instanceId: 'i', sessionTimeoutMs: 5, message: null }
  const codes: readonly (readonly [number, string, string])[] = [
    [23, 'log-unsupported', 'its members are not Millrace processes of the same protocol'],
    [24, 'invalid-argument', 'does not accept its name'],
    [26, 'invalid-argument', 'does not allow a session time-out of 5 ms'],
    [29, 'not-authorised', 'may not read its topics'],
    [30, 'not-authorised', 'may not read it'],
    [31, 'not-authorised', 'may not create its internal topics'],
    [35, 'log-unsupported', 'does not speak this version'],
    [69, 'log-unsupported', 'a group of another type'],
    [81, 'log-unsupported', 'as many members as the broker allows'],
    [82, 'task-fenced', 'another process has joined with the same instance id i'],
    [42, 'log-failed', 'INVALID_REQUEST (42)'],
  ]
  for (const [code, name, text] of codes) {
    const error = refusalOf(code, place)
    expect(error.code).toBe(name)
    expect(errorTable[error.code]).toBeDefined()
    expect(error.message).toContain(text)
    expect(error.message).toContain("group 'g'")
    expect(error.hint).toMatch(/./)
  }
  expect(refusalOf(42, { ...place, message: 'no such thing' }).message).toContain(': no such thing')
})
