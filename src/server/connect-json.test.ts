import { expect, test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import { deliveryJson, sourceJson } from './connect-json.ts'

const status = {
  source: 's',
  topic: 't',
  state: 'running',
  position: null,
  recordCount: 1,
  commitCount: 1,
  refusedCount: 0,
  dedupe: null,
} as const

test.each([
  ['no position', null, null],
  ['plain data', { offset: 3 }, { offset: 3 }],
  ['a bigint', { lsn: 2n ** 60n }, { lsn: '1152921504606846976' }],
  ['map and set', new Map([['a', new Set([1])]]), [['a', [1]]]],
  ['bytes', { mark: new Uint8Array([1, 2]) }, { mark: 'AQI=' }],
  ['undefined', undefined, null],
])('the position of a source is shown: %s', (_, position, shown) => {
  expect(sourceJson({ ...status, position })).toEqual({ ...status, position: shown })
})

test('a large position is cut', () => {
  const { position } = sourceJson({ ...status, position: 'x'.repeat(10_000) }) as {
    position: string
  }
  expect(position).toHaveLength(4_097)
})

test('of the error of a delivery code, text and time are shown', () => {
  const delivery = {
    pipeline: 'p',
    sink: 's',
    type: 'action',
    outbox: 'p.s.outbox',
    backlog: 2,
    state: 'away',
    inFlight: 0,
    delivered: 5,
    failures: 7,
    dead: 0,
    lastError: {
      error: new MillraceError('sink-unavailable', 'no route', { cause: new Error('inside') }),
      atMs: 3,
    },
    tryMsP50: null,
    tryMsP99: null,
  } as const
  expect(deliveryJson(delivery)).toEqual({
    ...delivery,
    lastError: { code: 'sink-unavailable', text: 'no route', atMs: 3 },
  })
})
