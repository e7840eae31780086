import { expect, test } from 'vitest'
import { MillraceError } from '../core/error.ts'
import { lineReader, type LineOptions } from './line-records.ts'

function read(options: LineOptions, line: string | Buffer): [string | null, string] | null {
  const record = lineReader(options)(Buffer.from(line), 7)
  return record === null ? null : [record.key?.toString() ?? null, record.value.toString()]
}

function failure(options: LineOptions, line: string | Buffer): MillraceError {
  try {
    read(options, line)
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error(`${String(line)} was taken`)
}

test('plain lines', () => {
  expect(read({}, 'a:b')).toEqual([null, 'a:b'])
  expect(read({}, '')).toEqual([null, ''])
})

test('key and value are split at the first separator', () => {
  expect(read({ keySeparator: ':' }, 'a:b:c')).toEqual(['a', 'b:c'])
  expect(read({ keySeparator: ':' }, ':b')).toEqual(['', 'b'])
  expect(read({ keySeparator: ' => ' }, 'a => b')).toEqual(['a', 'b'])
  expect(failure({ keySeparator: ':' }, 'ab')).toMatchObject({
    code: 'invalid-argument',
    message: "line 7 has no ':'",
  })
})

test('JSON is checked and taken as it was written', () => {
  expect(read({ json: true }, '{ "a":1 }')).toEqual([null, '{ "a":1 }'])
  expect(read({ json: true }, '')).toBeNull()
  expect(failure({ json: true }, '{"a":}').message).toBe('line 7 is not JSON: at column 6: "}"')
  expect(failure({ json: true }, '{"a":1').message).toBe('line 7 is not JSON: it ends too early')
  expect(failure({ json: true }, Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({
    code: 'decode-failed',
    message: 'line 7 is not JSON: it is not UTF-8',
  })
})

test('a field as key', () => {
  const options: LineOptions = { json: true, key: 'id' }
  expect(read(options, '{"id":"é"}')).toEqual(['é', '{"id":"é"}'])
  expect(read(options, '{"id":12.5}')?.[0]).toBe('12.5')
  expect(read(options, '{"id":false}')?.[0]).toBe('false')
  expect(failure(options, '{"ID":1}').message).toBe("line 7: the key 'id' is not there")
  expect(failure(options, '7').message).toBe("line 7: the key 'id' is not there")
  expect(failure({ json: true, key: 'toString' }, '{}').message).toContain('is not there')
  expect(failure(options, '{"id":null}').message).toContain('is no text, number or boolean')
  expect(failure(options, '{"id":{}}').message).toContain('is no text, number or boolean')
})
