/** Bodies and headers of HTTP requests, and records shown by HTTP. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { jsonDepthMax } from '../../../src/core/json-scan.ts'
import { BatchBuilder, RecordBatch } from '../../../src/log/batch.ts'
import { Guard } from '../../../src/server/guard.ts'
import { checkHttpOptions } from '../../../src/server/http-options.ts'
import { letterAt } from '../../../src/connect/letters/letter.ts'
import { letterJson } from '../../../src/server/letter-view.ts'
import { jsonRanges, LineRanges, type RecordRanges } from '../../../src/server/record-ranges.ts'
import { recordJson } from '../../../src/server/record-view.ts'
import { Refusal } from '../../../src/server/refusal.ts'
import { must, reading, texts } from '../target.ts'
import type { Target } from '../target.ts'

const bounds = { recordsMax: 1_000_000, recordBytesMax: 1 << 30 }

function orNull<R>(take: () => R): R | null {
  try {
    return take()
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.status === 400) return null
    throw thrown
  }
}

/** What `JSON.parse` says of a text; undefined: it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** So deep that it may be refused for it. */
function isDeep(text: string): boolean {
  return text.split(/[[{]/).length > jsonDepthMax
}

function isBodyOf(body: Buffer, ranges: RecordRanges, values: readonly unknown[]): void {
  must(ranges.starts.length === values.length, () => `${ranges.starts.length} records`)
  for (const [i, value] of values.entries()) {
    const text = body.toString('utf8', ranges.starts[i], ranges.ends[i])
    const same = JSON.stringify(parsed(text)) === JSON.stringify(value)
    must(same, () => `record ${i} is ${text}`)
  }
}

function readJson(body: Buffer): void {
  const ranges = orNull(() => jsonRanges(body, bounds))
  const text = body.toString('utf8')
  const value = isUtf8(body) ? parsed(text) : undefined
  if (ranges !== null) {
    must(value !== undefined, () => 'taken, and no JSON')
    isBodyOf(body, ranges, Array.isArray(value) ? value : [value])
  } else must(value === undefined || isDeep(text), () => 'refused, and JSON')
}

/** The first byte says how long the pieces are; the records do not depend on it. */
function readLines(bytes: Buffer): void {
  const pieceBytes = 1 + (bytes[0] ?? 0)
  const body = bytes.subarray(1)
  const read = (size: number): RecordRanges | null =>
    orNull(() => {
      const lines = new LineRanges(bounds)
      for (let at = 0; at < body.length; at += size) lines.take(body.subarray(0, at + size))
      lines.end(body)
      return lines
    })
  const ranges = read(pieceBytes)
  const whole = read(body.length + 1)
  must((ranges === null) === (whole === null), () => 'it depends on the pieces')
  const lines = body.toString('latin1').split('\n')
  const texts8 = lines.map((line) => Buffer.from(line.replace(/\r$/, ''), 'latin1'))
  const wanted = texts8.filter((line) => line.length > 0)
  const values = wanted.map((line) => (isUtf8(line) ? parsed(line.toString('utf8')) : undefined))
  const allRight = values.every((value) => value !== undefined)
  if (ranges === null) {
    must(!allRight || wanted.some((line) => isDeep(line.toString())), () => 'refused, and right')
    return
  }
  must(allRight, () => 'taken, and not right')
  isBodyOf(body, ranges, values)
  for (const i of values.keys()) {
    const place = ranges.place(i)
    const line = 'line' in place ? texts8[place.line - 1] : undefined
    must(line?.equals(wanted[i] as Buffer) === true, () => `record ${i} is not on that line`)
  }
}

/** Whoever is let in by the name of the host has named this machine. */
function readHost(bytes: Buffer): void {
  const guard = new Guard(checkHttpOptions({ port: 0 }))
  const host = bytes.toString('latin1')
  const request = { headers: {}, headersDistinct: { host: [host] } } as unknown as IncomingMessage
  try {
    guard.checkOrigin(request)
  } catch (thrown) {
    if (thrown instanceof Refusal) return
    throw thrown
  }
  const { hostname } = new URL(`http://${host}`)
  const isOurs = hostname === 'localhost' || hostname === '[::1]' || /^127\.[\d.]+$/.test(hostname)
  must(isOurs, () => `'${host}' is let in`)
}

function showRecord(bytes: Buffer): void {
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  const builder = new BatchBuilder()
  const [key, value] = [bytes.subarray(0, cut), bytes.subarray(cut)]
  const name = key.toString('utf8').slice(0, 50)
  builder.add(key, value, cut, [
    { name, value },
    { name: `millrace-${name}`, value },
  ])
  const batch = new RecordBatch('t', 0, 0, builder.finish())
  letterAt(batch, 0)
  for (const form of ['text', 'json', 'base64'] as const) {
    const shows = [recordJson(batch, 0, form), letterJson(batch, 0, { form, mark: null })]
    for (const text of shows) {
      const shown = JSON.parse(text) as { value: unknown; form: string }
      if (shown.form === 'json') continue
      const back = Buffer.from(String(shown.value), shown.form === 'text' ? 'utf8' : 'base64')
      must(back.equals(value), () => `shown as ${String(shown.value)}`)
    }
  }
}

const jsons = texts(
  '{"a":[1,-0.5e+3,true,null],"b":"\\u00e9\\n\\"é"}',
  '[{"device":"a","celsius":1.5},{"device":"b"}]',
  ' [ ] ',
  '"text"',
)
const words = [
  '{}',
  '[',
  ']',
  '{"a":',
  ',',
  '\\u',
  '\\"',
  'true',
  'null',
  '1e9',
  '\r\n',
  '\n',
  '-0',
]

export const httpTargets: readonly Target[] = [
  { name: 'http/json', seeds: jsons, dictionary: words, codes: [], open: reading(readJson) },
  {
    name: 'http/lines',
    seeds: texts('\u0003{"a":1}\r\n\n[2]\n"é"', '\u0001{"a":{"b":[]}}\n1\n2\n'),
    dictionary: words,
    codes: [],
    open: reading(readLines),
  },
  {
    name: 'http/host',
    seeds: texts('localhost:7070', '127.0.0.1', '[::1]:80', '127.0.0.1.evil.example', '127.1'),
    dictionary: ['localhost', '127.', '.', ':', '[', ']', '@', '/', '#', '?', '\\', '0x7f'],
    codes: [],
    open: reading(readHost),
  },
  {
    name: 'http/view',
    seeds: [...jsons, ...texts('</script>', '\u0000\u001b[31m', '\u2028')],
    dictionary: words,
    codes: [],
    open: reading(showRecord),
  },
]
