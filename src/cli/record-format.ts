/** How `consume` writes a record: its value, JSON, or a template. */
import { isAscii, isUtf8 } from 'node:buffer'
import type { Header, RecordBatch } from '../log/batch.ts'
import type { RecordSink } from './record-sink.ts'
import { type Field, parseTemplate, type Part } from './record-template.ts'

/** Writes record `i` of a batch, with its line end. */
export type RecordFormat = (batch: RecordBatch, i: number, sink: RecordSink) => void

/** A null key or value, where text is written. */
const nullText = 'null'

/**
 * @param format `value`, `json`, or a template
 * @throws InvalidArgumentError for a template with an unknown field
 */
export function recordFormat(format: string): RecordFormat {
  if (format === 'value') return writeValue
  if (format === 'json') return jsonFormat()
  const parts = parseTemplate(format)
  return (batch, i, sink) => {
    for (const part of parts) writePart(part, batch, i, sink)
    sink.text('\n')
  }
}

function writeValue(batch: RecordBatch, i: number, sink: RecordSink): void {
  if (batch.valueIsNull(i)) sink.text(nullText)
  else sink.bytes(batch.bytes, batch.valueStart(i), batch.valueEnd(i))
  sink.text('\n')
}

/** Fields in a fixed order; bytes that are not UTF-8 as `{"base64": …}`; time in ms since 1970. */
function jsonFormat(): RecordFormat {
  let last: RecordBatch | null = null
  let head = ''
  let isPlain = false
  return (batch, i, sink) => {
    if (batch !== last) {
      last = batch
      head = `{"topic":${JSON.stringify(batch.topic)},"partition":${batch.partition},"offset":`
      // Of ASCII alone, no value can be half a character.
      isPlain = isAscii(batch.bytes.subarray(batch.keysStart, batch.valuesEnd))
    }
    const { bytes } = batch
    const text = (isNull: boolean, start: number, end: number): string => {
      if (isNull) return nullText
      return isPlain
        ? JSON.stringify(bytes.toString('latin1', start, end))
        : bytesJson(bytes.subarray(start, end))
    }
    const key = text(batch.keyIsNull(i), batch.keyStart(i), batch.keyEnd(i))
    const value = text(batch.valueIsNull(i), batch.valueStart(i), batch.valueEnd(i))
    sink.text(
      `${head}${batch.offset(i)},"key":${key},"value":${value},"time":${batch.time(i)},` +
        `"headers":${headersJson(batch.headers(i))}}\n`,
    )
  }
}

function bytesJson(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(view)
    ? JSON.stringify(view.toString('utf8'))
    : `{"base64":"${view.toString('base64')}"}`
}

/** A list, as names may repeat: `[{"name":"trace","value":"7"}]`. */
function headersJson(headers: readonly Header[]): string {
  if (headers.length === 0) return '[]'
  const each = headers.map(({ name, value }) => {
    const text = value === null ? nullText : bytesJson(value)
    return `{"name":${JSON.stringify(name)},"value":${text}}`
  })
  return `[${each.join(',')}]`
}

function writePart(part: Part, batch: RecordBatch, i: number, sink: RecordSink): void {
  if (part.kind === 'text') sink.text(part.text)
  else writeField(part.field, batch, i, sink)
}

function writeField(field: Field, batch: RecordBatch, i: number, sink: RecordSink): void {
  switch (field) {
    case 'topic':
      return sink.text(batch.topic)
    case 'partition':
      return sink.text(String(batch.partition))
    case 'offset':
      return sink.text(String(batch.offset(i)))
    case 'key':
      if (batch.keyIsNull(i)) return sink.text(nullText)
      return sink.bytes(batch.bytes, batch.keyStart(i), batch.keyEnd(i))
    case 'value':
      if (batch.valueIsNull(i)) return sink.text(nullText)
      return sink.bytes(batch.bytes, batch.valueStart(i), batch.valueEnd(i))
    case 'time':
      return sink.text(timeText(batch.time(i)))
    case 'timeMs':
      return sink.text(String(batch.time(i)))
    case 'headers':
      return sink.text(headersJson(batch.headers(i)))
  }
}

/** ISO 8601, UTC. A producer may set a time that no calendar has. */
function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
