import { describe, expect, test } from 'vitest'
import { json, string } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import type { StandardSchema } from '../core/schema.ts'
import { topic } from './topic.ts'

const schema: StandardSchema<unknown, { id: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => ({ value: value as { id: string } }),
  },
}

function errorOf(run: () => unknown): MillraceError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

describe('topic', () => {
  test('defaults', () => {
    expect(topic('orders').spec).toStrictEqual({
      name: 'orders',
      codec: json(),
      schema: null,
      key: null,
      time: null,
      outOfOrderMs: 0,
      watermark: { kind: 'bounded' },
      idleAfterMs: 10_000,
      idle: 'advance',
      partitions: null,
      retentionMs: null,
      retentionBytes: null,
      compact: false,
    })
  })

  test('options', () => {
    const { spec } = topic('orders', {
      schema,
      codec: string(),
      key: (order) => order.id,
      time: () => 5,
      outOfOrder: '5s',
      idleAfter: '1m',
      idle: 'wait',
      partitions: 3,
      retention: { time: '7d', bytes: 1000 },
      compact: true,
    })
    expect(spec).toMatchObject({
      codec: string(),
      schema,
      outOfOrderMs: 5000,
      watermark: { kind: 'bounded' },
      idleAfterMs: 60_000,
      idle: 'wait',
      partitions: 3,
      retentionMs: 604_800_000,
      retentionBytes: 1000,
      compact: true,
    })
    expect(typeof spec.key === 'function' && spec.key({ id: 'a' })).toBe('a')
    expect(spec.time?.({})).toBe(5)
    expect(topic('orders', { key: 'record' }).spec.key).toBe('record')
  })

  test.each(['', '.', '..', 'a b', 'a/b', 'ü', 'a'.repeat(250), 7])(
    'name %j is refused',
    (name) => {
      const error = errorOf(() => topic(name as string))
      expect(error.code).toBe('invalid-topic')
      expect(error.message).toContain(String(name))
    },
  )

  test.each([
    [{ partitions: -1 }, 'invalid-topic', 'partitions cannot be -1'],
    [{ partitions: 0 }, 'invalid-topic', 'partitions cannot be 0'],
    [{ partitions: 1.5 }, 'invalid-topic', 'partitions cannot be 1.5'],
    [{ partitions: 1025 }, 'invalid-topic', 'partitions cannot be 1025'],
    [{ retention: { bytes: 0 } }, 'invalid-topic', 'retention.bytes cannot be 0'],
    [{ retention: { time: '0ms' } }, 'invalid-topic', "retention.time cannot be '0ms'"],
    [{ idleAfter: '0ms' }, 'invalid-topic', "idleAfter cannot be '0ms'"],
    [{ idle: 'stop' }, 'invalid-topic', "idle cannot be 'stop'"],
    [{ compact: 'yes' }, 'invalid-topic', "compact cannot be 'yes'"],
    [{ key: 'device' }, 'invalid-topic', "key cannot be 'device'"],
    [{ time: 'at' }, 'invalid-topic', "time cannot be 'at'"],
    [{ codec: 'json' }, 'invalid-topic', "codec cannot be 'json'"],
    [{ outOfOrderness: '5s' }, 'invalid-topic', "no option 'outOfOrderness'"],
    [{ outOfOrder: '5 seconds' }, 'invalid-duration', "outOfOrder '5 seconds'"],
    [{ schema: {} }, 'invalid-schema', 'not a Standard Schema'],
  ])('%j is refused', (options, code, text) => {
    const error = errorOf(() => topic('orders', options as object))
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
    expect(error.hint).toBeTruthy()
  })
})
