/** The headers of a record, as bytes. */
import { assert } from '../core/assert.ts'
import { MillraceError } from '../core/error.ts'

export interface Header {
  readonly name: string
  readonly value: Uint8Array | null
}

/** u16 name bytes, name, i32 value bytes (−1: null), value; repeated. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const parts: Buffer[] = []
  for (const { name, value } of headers) {
    const nameBytes = Buffer.from(name, 'utf8')
    assert(
      nameBytes.length <= 65_535,
      () => `a header name of ${nameBytes.length} bytes is over 65535`,
    )
    const head = Buffer.alloc(2 + nameBytes.length + 4)
    head.writeUInt16LE(nameBytes.length, 0)
    nameBytes.copy(head, 2)
    head.writeInt32LE(value === null ? -1 : value.length, 2 + nameBytes.length)
    parts.push(head)
    if (value !== null) parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
  }
  return Buffer.concat(parts)
}

/** @throws `log-damaged` where they do not fit */
export function decodeHeaders(bytes: Buffer): Header[] {
  const headers: Header[] = []
  const size = bytes.length
  for (let at = 0; at < size;) {
    // A name of no bytes and a null value are the least.
    const nameEnd = at + 2 + (at + 2 <= size ? bytes.readUInt16LE(at) : 0)
    if (nameEnd + 4 > size) throw damaged(size)
    const name = bytes.toString('utf8', at + 2, nameEnd)
    const length = bytes.readInt32LE(nameEnd)
    at = nameEnd + 4
    headers.push({ name, value: length < 0 ? null : bytes.subarray(at, at + length) })
    if (length > 0) at += length
    if (at > size) throw damaged(size)
  }
  return headers
}

function damaged(size: number): MillraceError {
  return new MillraceError('log-damaged', `the ${size} bytes of a record's headers do not fit`, {
    hint: 'read on after it: millrace consume --from OFFSET',
  })
}
