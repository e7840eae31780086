/**
 * A record as JSON, for people and programs. Bytes of a record are never taken for anything but
 * text: they stand in JSON strings, or as JSON that was checked to be JSON.
 */
import { isUtf8 } from 'node:buffer'
import { JsonScan } from '../core/json-scan.ts'
import type { RecordBatch } from '../log/batch.ts'

export type ValueForm = 'text' | 'json' | 'base64'

/** Of a value, and of a key or header, what is shown; the rest is left out and said to be. */
const valueBytesMax = 65_536
const nameBytesMax = 8_192

/** One JSON object. Numbers of a value keep all of their digits, as nothing is parsed. */
export function recordJson(batch: RecordBatch, i: number, form: ValueForm): string {
  const value = batch.value(i)
  const headers = batch.headers(i).map(({ name, value: bytes }) => {
    return `{"name":${JSON.stringify(name.slice(0, nameBytesMax))},"value":${plain(bytes)}}`
  })
  return (
    `{"partition":${batch.partition},"offset":${batch.offset(i)},"time":${batch.time(i)},` +
    `"key":${plain(batch.key(i))},${valueJson(value, form)},"headers":[${headers.join(',')}]}`
  )
}

/** Members of a value: itself, how it is written, its size, and whether it is cut. */
export function valueJson(value: Buffer | null, form: ValueForm): string {
  if (value === null) return '"value":null,"form":null,"bytes":0'
  const isCut = value.length > valueBytesMax
  const shown = isCut ? value.subarray(0, wholeCharacters(value, valueBytesMax)) : value
  const tail = `"bytes":${value.length}${isCut ? ',"cut":true' : ''}`
  if (form === 'json' && !isCut && isJson(value)) {
    return `"value":${value.toString('utf8')},"form":"json",${tail}`
  }
  if (form === 'base64' || !isUtf8(shown)) {
    return `"value":"${shown.toString('base64')}","form":"base64",${tail}`
  }
  return `"value":${JSON.stringify(shown.toString('utf8'))},"form":"text",${tail}`
}

/** Text, or `{"base64": …}` for what is none. */
function plain(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shown = view.subarray(0, wholeCharacters(view, nameBytesMax))
  return isUtf8(shown)
    ? JSON.stringify(shown.toString('utf8'))
    : `{"base64":"${shown.toString('base64')}"}`
}

/** At most so many bytes, and no half character at their end. */
function wholeCharacters(bytes: Buffer, max: number): number {
  if (bytes.length <= max) return bytes.length
  let end = max
  // At most three bytes of a character follow its first.
  while (end > max - 3 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return end
}

function isJson(value: Buffer): boolean {
  return isUtf8(value) && new JsonScan().value(value, 0, value.length) === value.length
}
