import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { BatchBuilder, type Header, RecordBatch } from '../log/batch.ts'
import { Output } from './output.ts'
import { recordFormat } from './record-format.ts'
import { RecordSink } from './record-sink.ts'

type Given = readonly [
  key: string | Uint8Array | null,
  value: string | Uint8Array | null,
  headers?: Header[],
]

async function printed(format: string, records: readonly Given[]): Promise<Buffer> {
  const builder = new BatchBuilder()
  for (const [key, value, headers] of records) builder.add(key, value, 1_700_000_000_000, headers)
  const batch = new RecordBatch('t', 2, 40, builder.finish())
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  const sink = new RecordSink(new Output(stream))
  const write = recordFormat(format)
  for (let i = 0; i < batch.count; i++) write(batch, i, sink)
  await sink.flush()
  return Buffer.concat(chunks)
}

const brokenUtf8 = Buffer.from([0xff, 0x00, 0xfe])

test('value: bytes as they are', async () => {
  const bytes = await printed('value', [
    ['k', 'one'],
    [null, brokenUtf8],
    [null, null],
    [null, ''],
  ])
  expect(bytes).toEqual(
    Buffer.concat([Buffer.from('one\n'), brokenUtf8, Buffer.from('\nnull\n\n')]),
  )
})

test('json: exactly seven fields, text where it is UTF-8', async () => {
  const headers = [
    { name: 'a', value: Buffer.from('1') },
    { name: 'a', value: null },
  ]
  const lines = (
    await printed('json', [
      ['ké', 'one "1"', headers],
      [null, brokenUtf8],
      ['', null],
    ])
  )
    .toString('utf8')
    .trimEnd()
    .split('\n')
  const common = { topic: 't', partition: 2, time: 1_700_000_000_000 }
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      ...common,
      offset: 40,
      key: 'ké',
      value: 'one "1"',
      headers: [
        { name: 'a', value: '1' },
        { name: 'a', value: null },
      ],
    },
    {
      ...common,
      offset: 41,
      key: null,
      value: { base64: brokenUtf8.toString('base64') },
      headers: [],
    },
    { ...common, offset: 42, key: '', value: null, headers: [] },
  ])
  const names = ['topic', 'partition', 'offset', 'key', 'value', 'time', 'headers']
  expect(Object.keys(JSON.parse(lines[0] ?? '') as object)).toEqual(names)
})

test('json: a character may not be put together from two values', async () => {
  const [high, low] = [Buffer.from([0xc3]), Buffer.from([0xa9])] // together: é
  const lines = (
    await printed('json', [
      [null, high],
      [null, low],
    ])
  )
    .toString()
    .trimEnd()
    .split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { value: unknown }).value)).toEqual([
    { base64: high.toString('base64') },
    { base64: low.toString('base64') },
  ])
})

test('a template, with raw bytes in it', async () => {
  const template = String.raw`{topic}/{partition}@{offset}\t{key}={value} {time} {timeMs}`
  const bytes = await printed(template, [
    ['k', brokenUtf8],
    [null, null],
  ])
  expect(bytes.toString('latin1')).toBe(
    `t/2@40\tk=${brokenUtf8.toString('latin1')} 2023-11-14T22:13:20.000Z 1700000000000\n` +
      't/2@41\tnull=null 2023-11-14T22:13:20.000Z 1700000000000\n',
  )
})

test('a value far larger than the chunk', async () => {
  const large = 'é'.repeat(1_000_000)
  expect((await printed('value', [[null, large]])).toString('utf8')).toBe(`${large}\n`)
  const line = (await printed('json', [[null, large]])).toString('utf8')
  expect((JSON.parse(line) as { value: string }).value).toBe(large)
})
