/**
 * What Kafka's own consumer read, as it wrote it down: a line a record, fields separated by tabs:
 * topic, partition, offset, record time, key, value, headers (`name=value`, separated by U+001F).
 * In a field a backslash is `\\`, tab `\t`, line feed `\n`, carriage return `\r`; a null is `\0`.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

export interface DumpedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timeMs: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Topic → its records, each partition's in order of offset. A topic without records is missing. */
export type Dump = ReadonlyMap<string, readonly DumpedRecord[]>

/** A record that the driver had acknowledged. */
export interface Acknowledged {
  readonly topic: string
  readonly key: string
  readonly value: string
}

export async function readDump(file: string): Promise<Dump> {
  const dump = new Map<string, DumpedRecord[]>()
  for await (const line of linesOf(file)) {
    const record = parseRecord(line)
    const records = dump.get(record.topic)
    if (records === undefined) dump.set(record.topic, [record])
    else records.push(record)
  }
  return dump
}

/** Lines of topic, key and value, as the driver wrote them, in the same form. */
export async function readAcknowledged(file: string): Promise<Acknowledged[]> {
  const all: Acknowledged[] = []
  for await (const line of linesOf(file)) {
    const [topic, key, value] = line.split('\t').map(unescaped)
    if (typeof topic !== 'string' || typeof key !== 'string' || typeof value !== 'string') {
      throw new Error(`${file}: not a line of topic, key and value: ${line}`)
    }
    all.push({ topic, key, value })
  }
  return all
}

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(file), crlfDelay: Infinity })
}

export function parseRecord(line: string): DumpedRecord {
  const [topic, partition, offset, timeMs, key, value, headers] = line.split('\t')
  if (topic === undefined || headers === undefined) throw new Error(`not a record: ${line}`)
  return {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    timeMs: Number(timeMs),
    key: unescaped(key ?? ''),
    value: unescaped(value ?? ''),
    headers: parseHeaders(unescaped(headers) ?? ''),
  }
}

const noHeaders: Readonly<Record<string, string>> = {}

function parseHeaders(text: string): Readonly<Record<string, string>> {
  if (text === '') return noHeaders
  const headers: Record<string, string> = {}
  for (const header of text.split('\u001f')) {
    const at = header.indexOf('=')
    headers[header.slice(0, at)] = header.slice(at + 1)
  }
  return headers
}

const meanings: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' }

/** null for `\0`. */
export function unescaped(field: string): string | null {
  if (field === '\\0') return null
  if (!field.includes('\\')) return field
  return field.replace(/\\(.)/g, (_, letter: string) => meanings[letter] ?? letter)
}

export function escaped(field: string | null): string {
  if (field === null) return '\\0'
  return field.replace(/[\\\t\n\r]/g, (found) => {
    return found === '\t' ? '\\t' : found === '\n' ? '\\n' : found === '\r' ? '\\r' : '\\\\'
  })
}
