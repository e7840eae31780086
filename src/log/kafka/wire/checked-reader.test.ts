import assert from 'node:assert/strict'
import { test } from 'vitest'
import type { Reader as LibraryReader } from '@platformatic/kafka'
import { checkedReader } from './checked-reader.ts'
import { Reader, Writer } from './library-parts.ts'

function of(hex: string): LibraryReader {
  return checkedReader(Reader.from(Buffer.from(hex, 'hex')))
}

test('what the library writes is read as the library reads it', () => {
  const writer = Writer.create()
    .appendString('ä name')
    .appendString(null)
    .appendString('old', false)
    .appendString(null, false)
    .appendBytes(Buffer.from('xyz'))
    .appendBytes(Buffer.from('old'), false)
    .appendArray([1, 2], (w, n) => void w.appendInt32(n))
    .appendArray([3], (w, n) => void w.appendInt32(n), false, false)
    .appendArray(null, () => {})
    .appendTaggedFields()
  const read = (reader: LibraryReader): unknown => [
    reader.readString(),
    reader.readNullableString(),
    reader.readString(false),
    reader.readNullableString(false),
    reader.readBytes().toString(),
    reader.readBytes(false).toString(),
    reader.readArray((r) => r.readInt32()),
    reader.readArray((r) => r.readInt32(), false, false),
    reader.readNullableArray((r) => r.readInt32()),
    reader.readTaggedFields(),
    reader.position,
  ]
  const bytes = writer.buffer
  assert.deepEqual(read(checkedReader(Reader.from(bytes))), read(Reader.from(bytes)))
})

test('it goes on where the other reader stands', () => {
  const plain = Reader.from(Buffer.from('0000000702', 'hex'))
  plain.readInt32()
  assert.equal(checkedReader(plain).readInt8(), 2)
})

test('no length leads backwards or beyond the end', () => {
  const cases: [string, (reader: LibraryReader) => unknown][] = [
    ['fcffffff0f', (r) => r.readString()],
    ['0561', (r) => r.readString()],
    ['fffe', (r) => r.readString(false)],
    ['000361', (r) => r.readString(false)],
    ['fcffffff0f', (r) => r.readBytes()],
    ['fffffffe00', (r) => r.readBytes(false)],
    ['0000000200', (r) => r.readBytes(false)],
    ['ffffffff0700', (r) => r.readArray(() => 0, true, false)],
    ['7fffffff00', (r) => r.readArray(() => 0, false, false)],
    ['fffffffe00', (r) => r.readArray(() => 0, false, false)],
    ['0100fcffffff0f', (r) => r.readTaggedFields()],
    ['010005', (r) => r.readTaggedFields()],
    ['fcffffff0f', (r) => r.readUnsignedVarInt()],
  ]
  for (const [hex, read] of cases) {
    const reader = of(hex)
    assert.throws(() => read(reader), RangeError, hex)
  }
})
