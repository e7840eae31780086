/** Values with a schema registry, and what a registry answers. */
import avsc from 'avsc'
import { create, toBinary } from '@bufbuild/protobuf'
import { FieldDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { DecodePending } from '../../../src/core/codec.ts'
import type { Codec } from '../../../src/core/codec.ts'
import { avro } from '../../../src/formats/avro.ts'
import { jsonSchema } from '../../../src/formats/json-schema.ts'
import { protobuf } from '../../../src/formats/protobuf.ts'
import { framed, readTypePath, typePath } from '../../../src/formats/schema-frame.ts'
import { SchemaRegistry } from '../../../src/formats/schema-registry.ts'
import { hexes, must, reading, texts } from '../target.ts'
import type { Subject, Target } from '../target.ts'

const everything = {
  type: 'record',
  name: 'All',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'cents', type: 'long' },
    { name: 'count', type: 'int' },
    { name: 'ratio', type: ['null', 'double'] },
    { name: 'raw', type: 'bytes' },
    { name: 'colour', type: { type: 'enum', name: 'Colour', symbols: ['RED', 'BLUE'] } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'gaps', type: { type: 'array', items: 'null' } },
    { name: 'names', type: { type: 'map', values: 'int' } },
    { name: 'next', type: ['null', 'All'] },
  ],
}
const value = {
  id: 'a',
  cents: 5,
  count: -1,
  ratio: 0.5,
  raw: Buffer.from('xyz'),
  colour: 'BLUE',
  hash: Buffer.from('abcd'),
  tags: ['x', 'y'],
  gaps: [null],
  names: { a: 1 },
  next: null,
}

/** Schema 1 is Avro's, 2 JSON's, 3 Protobuf's; there are no others. */
function answers(id: number): Response {
  const schemas = [
    { schema: JSON.stringify(everything) },
    { schema: '{}', schemaType: 'JSON' },
    { schema: '', schemaType: 'PROTOBUF' },
  ]
  const found = schemas[id - 1]
  if (found !== undefined) return Response.json(found)
  return Response.json({ error_code: 40_403, message: 'not found' }, { status: 404 })
}

/** Nothing goes over the network. @returns puts the real one back */
function replaceFetch(answer: (path: string) => Response): () => void {
  const real = globalThis.fetch
  globalThis.fetch = async (url) => answer(new URL(url instanceof Request ? url.url : url).pathname)
  return () => {
    globalThis.fetch = real
  }
}

async function decoded(codec: Codec<unknown>, bytes: Buffer): Promise<unknown> {
  for (;;) {
    try {
      return codec.decode(bytes, 0, bytes.length)
    } catch (thrown) {
      if (!(thrown instanceof DecodePending)) throw thrown
      await thrown.ready
    }
  }
}

function opening(make: (registry: SchemaRegistry) => Codec<unknown>): () => Subject {
  return () => {
    const restore = replaceFetch((path) => answers(Number(path.split('/').at(-1))))
    const codec = make(new SchemaRegistry({ url: 'http://127.0.0.1:1' }))
    return { run: async (bytes) => void (await decoded(codec, bytes)), close: restore }
  }
}

/** One answer to whatever is asked; first byte: the status. */
function openAnswers(): Subject {
  let answer: Buffer = Buffer.alloc(0)
  const statuses = [200, 200, 200, 404, 401, 422]
  const restore = replaceFetch(() => {
    const status = statuses[(answer[0] ?? 0) % statuses.length] ?? 200
    return new Response(new Uint8Array(answer.subarray(1)), { status })
  })
  return {
    async run(bytes) {
      answer = bytes
      const registry = new SchemaRegistry({ url: 'http://127.0.0.1:1' })
      const asks = [
        () => registry.schema(1),
        () => registry.latest('s'),
        () => registry.version({ subject: 's', version: 1 }),
        () => registry.register('s', { type: 'AVRO', text: '"int"', references: [] }),
        () => decoded(avro({ registry, subject: 's' }), framed(1, Buffer.from([0, 0]))),
      ]
      await asks[(bytes[0] ?? 0) % asks.length]?.()
    },
    close: restore,
  }
}

const avroBytes = framed(1, avsc.Type.forSchema(everything as never).toBuffer(value))
const nested = { ...value, ratio: null, next: { ...value, tags: [] } }
const field = create(FieldDescriptorProtoSchema, { name: 'f', number: 3, options: {} })
const types = FieldDescriptorProtoSchema
const path = typePath([types.file.messages.indexOf(types)])

export const formatTargets: readonly Target[] = [
  {
    name: 'format/avro',
    seeds: [avroBytes, framed(1, avsc.Type.forSchema(everything as never).toBuffer(nested))],
    dictionary: hexes('ffffffff0f ffffffffffffffffff01 02 01 0000000001'),
    codes: ['decode-failed'],
    open: opening((registry) => avro({ registry, subject: 's' })),
  },
  {
    name: 'format/avro-resolved',
    seeds: [avroBytes],
    codes: ['decode-failed'],
    open: opening((registry) =>
      avro({
        registry,
        subject: 's',
        schema: { type: 'record', name: 'All', fields: [{ name: 'id', type: 'string' }] },
      }),
    ),
  },
  {
    name: 'format/protobuf',
    seeds: [framed(3, toBinary(FieldDescriptorProtoSchema, field), path)],
    dictionary: hexes('ffffffff0f 0b 0c 42 4208'),
    codes: ['decode-failed'],
    open: opening((registry) => protobuf({ registry, subject: 's', message: types })),
  },
  {
    name: 'format/json-schema',
    seeds: [framed(2, Buffer.from('{"a":[1,"x"]}'))],
    dictionary: ['{', '[', '"', Buffer.from([0, 0, 0, 0, 2])],
    codes: ['decode-failed'],
    open: opening((registry) => jsonSchema({ registry, subject: 's' })),
  },
  {
    name: 'format/type-path',
    seeds: [Buffer.from([0]), Buffer.from(typePath([3, 1, 1000])), Buffer.from([4, 2])],
    codes: ['decode-failed'],
    open: reading((bytes) => {
      const { indexes, valueAt } = readTypePath(bytes, 0, bytes.length)
      must(valueAt <= bytes.length, () => `the value begins at ${valueAt} of ${bytes.length}`)
      const again = readTypePath(Buffer.from(typePath(indexes)), 0, 1000)
      must(again.indexes.join() === indexes.join(), () => `${indexes.join()} is another path`)
    }),
  },
  {
    name: 'format/registry',
    seeds: texts(
      '\u0000{"schema":"\\"string\\"","id":1}',
      '\u0001{"schema":"{}","schemaType":"JSON","references":[{"name":"a","subject":"b"}]}',
      '\u0003{"error_code":40403,"message":"no"}',
      `\u0004${JSON.stringify({ schema: JSON.stringify(everything), id: 7 })}`,
    ),
    dictionary: ['null', '[', '{', '"id":', '"schema":', '"references":', '1e99', '"int"', '\\"'],
    codes: ['decode-failed', 'registry-failed', 'not-authorised'],
    open: openAnswers,
  },
]
