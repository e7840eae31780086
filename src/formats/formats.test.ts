import assert from 'node:assert/strict'
import { create } from '@bufbuild/protobuf'
import type { DescMessage } from '@bufbuild/protobuf'
import { DurationSchema, FieldDescriptorProtoSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { afterEach, beforeEach, test } from 'vitest'
import { startRegistry } from '../../test/registry/registry-server.ts'
import type { RegistryServer } from '../../test/registry/registry-server.ts'
import { DecodePending } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { isCode } from '../core/error.ts'
import { avro } from './avro.ts'
import { jsonSchema } from './json-schema.ts'
import { protobuf } from './protobuf.ts'
import { typePath, readTypePath } from './schema-frame.ts'
import { SchemaRegistry } from './schema-registry.ts'

let server: RegistryServer
let registry: SchemaRegistry
beforeEach(async () => {
  server = await startRegistry()
  registry = new SchemaRegistry({ url: server.url })
})
afterEach(() => server.close())

async function encoded<T>(codec: Codec<T>, value: T): Promise<Buffer> {
  await codec.prepare?.()
  return Buffer.from(codec.encode(value) as Uint8Array)
}

/** As a task does: what is not there yet is waited for. */
async function decoded<T>(codec: Codec<T>, bytes: Buffer): Promise<T> {
  const block = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')])
  const [start, end] = [6, 6 + bytes.length]
  const decode = codec.decoder(block, start, end)
  for (;;) {
    try {
      return decode(start, end)
    } catch (thrown) {
      if (!(thrown instanceof DecodePending)) throw thrown
      await thrown.ready
    }
  }
}

const order = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'cents', type: 'long' },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
  ],
}

interface Order {
  id: string
  cents: number
  tags: string[]
}

test('Avro comes back as it was, through any codec that knows the registry', async () => {
  const writer = avro<Order>({ registry, subject: 'orders-value', schema: order })
  const reader = avro<Order>({ registry: new SchemaRegistry({ url: server.url }), subject: 'x' })
  const value = fc.record({
    id: fc.string({ unit: 'grapheme' }),
    cents: fc.maxSafeInteger(),
    tags: fc.array(fc.string()),
  })
  const check = async (given: Order): Promise<void> => {
    const bytes = await encoded(writer, given)
    const { id, cents, tags } = await decoded(reader, bytes)
    assert.deepEqual([id, cents, tags], [given.id, given.cents, given.tags])
  }
  await fc.assert(fc.asyncProperty(value, check), { numRuns: 100 })
})

test('Avro values of an older schema are read by the rules of resolution', async () => {
  const old = { ...order, fields: order.fields.slice(0, 1) }
  const written = await encoded(avro({ registry, subject: 's', schema: old }), { id: 'a' })
  const now = avro<Order>({
    registry,
    subject: 's',
    schema: {
      ...order,
      fields: [...order.fields.slice(0, 1), { name: 'cents', type: 'long', default: 7 }],
    },
  })
  assert.deepEqual({ ...(await decoded(now, written)) }, { id: 'a', cents: 7 })
  const other = avro({ registry, subject: 's', schema: { ...order, name: 'Invoice' } })
  await assert.rejects(decoded(other, written), (thrown) => isCode(thrown, 'decode-failed'))
})

test('an Avro schema may use those of other subjects', async () => {
  const money = { type: 'record', name: 'Money', fields: [{ name: 'cents', type: 'long' }] }
  await registry.register('money', { type: 'AVRO', text: JSON.stringify(money), references: [] })
  const bill = { type: 'record', name: 'Bill', fields: [{ name: 'total', type: 'Money' }] }
  const references = [{ name: 'Money', subject: 'money', version: 1 }]
  const bytes = await encoded(avro({ registry, subject: 'bills', schema: bill, references }), {
    total: { cents: 5 },
  })
  const read = await decoded(avro<{ total: { cents: number } }>({ registry, subject: 'b' }), bytes)
  assert.equal(read.total.cents, 5)
})

test('Avro refuses what does not fit, and says where', async () => {
  const codec = avro<unknown>({ registry, subject: 's', schema: order })
  await codec.prepare?.()
  const wrong = { id: 'a', cents: 'much', tags: [1] }
  assert.throws(
    () => codec.encode(wrong),
    (thrown) => isCode(thrown, 'encode-failed') && /cents: string, tags\.0: /.test(thrown.message),
  )
  const bytes = await encoded(codec, { id: 'abc', cents: 1, tags: [] })
  const cut = decoded(codec, bytes.subarray(0, bytes.length - 3))
  await assert.rejects(cut, (thrown) => isCode(thrown, 'decode-failed'))
})

test('Protobuf comes back as it was, also a type nested in another', async () => {
  const duration = protobuf({ registry, subject: 'd', message: DurationSchema })
  const bytes = await encoded(duration, create(DurationSchema, { seconds: 5n, nanos: 7 }))
  assert.deepEqual([...bytes.subarray(0, 6)], [0, 0, 0, 0, 1, 0], 'the first type: one zero')
  const read = await decoded(duration, bytes)
  assert.deepEqual([read.seconds, read.nanos], [5n, 7])
  const nested = FieldDescriptorProtoSchema.file.messages
    .flatMap(({ nestedMessages }) => nestedMessages)
    .find(({ name }) => name === 'ExtensionRange') as DescMessage
  const inner = protobuf({ registry, subject: 'e', message: nested })
  const written = await encoded(inner, create(nested))
  // Two indexes, in zigzag.
  assert.equal(written[5], 4)
  assert.equal((await decoded(inner, written)).$typeName, nested.typeName)
  const other = protobuf({ registry, subject: 'e', message: FieldDescriptorProtoSchema })
  await assert.rejects(decoded(other, written), (thrown) => isCode(thrown, 'decode-failed'))
})

test('the registry gets the .proto file, or its descriptor', async () => {
  const proto = 'syntax = "proto3"; message Timestamp {}'
  await protobuf({ registry, subject: 'text', message: TimestampSchema, proto }).prepare?.()
  await protobuf({ registry, subject: 'bytes', message: TimestampSchema }).prepare?.()
  assert.deepEqual(server.versions('text'), [{ schema: proto, schemaType: 'PROTOBUF' }])
  const text = String(server.versions('bytes')[0]?.['schema'])
  assert.ok(Buffer.from(text, 'base64').includes('google/protobuf/timestamp.proto'))
})

test('paths of message types come back, and rubbish is refused', () => {
  const indexes = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 8 })
  const check = (path: number[]): void => {
    const bytes = Buffer.from([9, ...typePath(path), 42])
    const found = readTypePath(bytes, 1, bytes.length)
    assert.deepEqual(found, { indexes: path, valueAt: bytes.length - 1 })
  }
  fc.assert(fc.property(indexes, check))
  for (const bad of [[], [0x80], [4, 2], [0xff, 0xff, 0xff, 0xff, 0xff], [0xfe, 0x7f]]) {
    const bytes = Buffer.from(bad)
    assert.throws(
      () => readTypePath(bytes, 0, bytes.length),
      (thrown) => isCode(thrown, 'decode-failed'),
    )
  }
})

test('JSON with a schema comes back as it was', async () => {
  const codec = jsonSchema<unknown>({ registry, subject: 'j', schema: { type: 'object' } })
  const bytes = await encoded(codec, { a: ['ä', null] })
  assert.equal(bytes.subarray(5).toString(), '{"a":["ä",null]}')
  assert.deepEqual(await decoded(codec, bytes), { a: ['ä', null] })
  assert.deepEqual(server.versions('j'), [{ schema: '{"type":"object"}', schemaType: 'JSON' }])
})

test('values without a schema id, or with one of another format, are refused', async () => {
  const avroBytes = await encoded(avro({ registry, subject: 'a', schema: 'string' }), 'x')
  const jsonBytes = await encoded(jsonSchema({ registry, subject: 'j', schema: {} }), {})
  const readers: [Codec<unknown>, Buffer][] = [
    [avro({ registry, subject: 'a' }), jsonBytes],
    [jsonSchema({ registry, subject: 'j' }), avroBytes],
    [protobuf({ registry, subject: 'p', message: DurationSchema }), avroBytes],
  ]
  for (const [codec, foreign] of readers) {
    const bad = [Buffer.from('{"a":1}'), Buffer.alloc(0), Buffer.from([0, 0, 1]), foreign]
    const unknown = Buffer.from([0, 0, 0, 0x30, 0x39, 1])
    for (const bytes of [...bad, unknown]) {
      await assert.rejects(decoded(codec, bytes), (thrown) => isCode(thrown, 'decode-failed'))
    }
  }
})

test('an unknown schema is waited for once; a registry that was away is asked again', async () => {
  const bytes = await encoded(avro({ registry, subject: 'a', schema: 'string' }), 'x')
  const codec = avro<string>({ registry: new SchemaRegistry({ url: server.url }), subject: 'a' })
  const decode = (): unknown => codec.decode(bytes, 0, bytes.length)
  server.failNext(500, 500, 500, 500, 500)
  for (let i = 0; i < 3; i++) assert.throws(decode, DecodePending)
  await assert.rejects(decoded(codec, bytes), (thrown) => isCode(thrown, 'registry-failed'))
  assert.equal(await decoded(codec, bytes), 'x')
  assert.equal(decode(), 'x')
})

test('a codec that was not prepared, or has no schema, does not write', async () => {
  const wants = (codec: Codec<unknown>): void =>
    assert.throws(
      () => codec.encode('x'),
      (thrown) => isCode(thrown, 'encode-failed'),
    )
  wants(avro({ registry, subject: 'a', schema: 'string' }))
  const reads = avro({ registry, subject: 'a' })
  await reads.prepare?.()
  wants(reads)
  const strict = avro({ registry, subject: 'a', schema: 'string', registration: 'find' })
  await assert.rejects(strict.prepare?.() ?? Promise.resolve(), (thrown) =>
    isCode(thrown, 'registry-failed'),
  )
})

test('Avro believes a count only as far as there are bytes', async () => {
  const list = (items: unknown): Codec<unknown> =>
    avro({ registry, subject: `list-${String(items)}`, schema: { type: 'array', items } })
  const map = avro({ registry, subject: 'map', schema: { type: 'map', values: 'int' } })
  const nulls = Array.from({ length: 1000 }, () => null)
  assert.deepEqual(await decoded(list('null'), await encoded(list('null'), nulls)), nulls)
  const named = JSON.parse('{"a":1,"__proto__":2}') as Record<string, number>
  assert.deepEqual(await decoded(map, await encoded(map, named)), named)
  // 2^34 items; then as many in a block that says its size.
  for (const hex of ['80808080800100', 'ffffffffff3f0600']) {
    for (const codec of [list('int'), list('null'), map]) {
      const head = (await encoded(codec, codec === map ? {} : [])).subarray(0, 5)
      const bytes = Buffer.concat([head, Buffer.from(hex, 'hex')])
      await assert.rejects(decoded(codec, bytes), (thrown) => isCode(thrown, 'decode-failed'))
    }
  }
})

test('Avro passes over arrays and maps that the reader does not want', async () => {
  const fields = [
    { name: 'gone', type: { type: 'array', items: 'string' } },
    { name: 'lost', type: { type: 'map', values: 'long' } },
    { name: 'kept', type: 'string' },
  ]
  const type = { type: 'record', name: 'R' }
  const writer = avro<unknown>({ registry, subject: 'r', schema: { ...type, fields } })
  const reader = avro<{ kept: string }>({
    registry,
    subject: 'r2',
    schema: { ...type, fields: fields.slice(2) },
  })
  const bytes = await encoded(writer, { gone: ['x', 'y'], lost: { a: 1, b: 2 }, kept: 'z' })
  assert.equal((await decoded(reader, bytes)).kept, 'z')
  const cut = Buffer.concat([bytes.subarray(0, 5), Buffer.from('80808080800100', 'hex')])
  await assert.rejects(decoded(reader, cut), (thrown) => isCode(thrown, 'decode-failed'))
})
