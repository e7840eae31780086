/** Protobuf messages with a schema registry, by protobuf-es. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { codec } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { MillraceError, messageOf } from '../core/error.ts'
import { CompiledSchemas } from './compiled-schemas.ts'
import { frameBytes, framed, typePath, readTypePath, schemaIdAt } from './schema-frame.ts'
import type { SchemaReference, SchemaRegistry } from './schema-registry.ts'
import type { Registration } from './written-schema.ts'
import { WrittenSchema } from './written-schema.ts'

export interface ProtobufOptions<D extends DescMessage> {
  readonly registry: SchemaRegistry
  /** Under which the schema is registered; by convention `<topic>-value`. */
  readonly subject: string
  /** The message type, as protobuf-es generates it (`OrderSchema`). */
  readonly message: D
  /**
   * The .proto file as text, for the registry. Default: the file's descriptor in base64, which
   * registries accept as well.
   */
  readonly proto?: string
  /** What the file imports, by the name in its import. */
  readonly references?: readonly SchemaReference[]
  /** Default `register`. */
  readonly registration?: Registration
}

/**
 * Protobuf in the frame of a schema registry (zero byte, schema id, path of the message type,
 * message). Needs the package `@bufbuild/protobuf`. Fields that the message type does not know are
 * kept as unknown fields; the message must be of the type at the same path of its file.
 * @throws `encode-failed` · `decode-failed` · `registry-failed`
 */
export function protobuf<D extends DescMessage>(
  options: ProtobufOptions<D>,
): Codec<MessageShape<D>> {
  const { registry, subject, message, references = [] } = options
  const indexes = indexesOf(message)
  const path = typePath(indexes)
  const written = new WrittenSchema({
    registry,
    subject,
    schema: { type: 'PROTOBUF', text: options.proto ?? descriptorOf(message), references },
    registration: options.registration ?? 'register',
  })
  const known = new CompiledSchemas<true>(async (id) => {
    const { type } = await registry.schema(id)
    if (type === 'PROTOBUF') return true
    throw new MillraceError('decode-failed', `schema ${id} is ${type}, not PROTOBUF`, {
      hint: 'give the topic the codec of that format',
    })
  })
  return {
    ...codec<MessageShape<D>>({
      name: `protobuf ${subject}`,
      decode: (bytes) => {
        const id = schemaIdAt(bytes, 0, bytes.length)
        known.get(id)
        const { indexes: found, valueAt } = readTypePath(bytes, frameBytes, bytes.length)
        if (found.join() !== indexes.join()) throw otherMessage(id, found, message, indexes)
        try {
          return fromBinary(message, new Uint8Array(bytes.subarray(valueAt)))
        } catch (thrown) {
          throw new MillraceError('decode-failed', `schema ${id}: ${messageOf(thrown)}`, {
            cause: thrown,
          })
        }
      },
      encode: (value) => framed(written.id, encodeMessage(message, value), path),
    }),
    prepare: () => written.prepare(),
  }
}

function encodeMessage<D extends DescMessage>(message: D, value: MessageShape<D>): Uint8Array {
  try {
    return toBinary(message, value)
  } catch (thrown) {
    const text = `the value is no ${message.typeName}: ${messageOf(thrown)}`
    throw new MillraceError('encode-failed', text, {
      cause: thrown,
      hint: `make it by create(${message.name}Schema, { … })`,
    })
  }
}

/** Where a message type stands in its file: its number, below those that it is nested in. */
function indexesOf(message: DescMessage): number[] {
  const { parent } = message
  const siblings = parent === undefined ? message.file.messages : parent.nestedMessages
  const outer = parent === undefined ? [] : indexesOf(parent)
  return [...outer, siblings.indexOf(message)]
}

function descriptorOf({ file }: DescMessage): string {
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)).toString('base64')
}

function otherMessage(
  id: number,
  found: readonly number[],
  wanted: DescMessage,
  indexes: readonly number[],
): MillraceError {
  return new MillraceError(
    'decode-failed',
    `the value is message type ${found.join('.')} of schema ${id}, ` +
      `${wanted.typeName} is ${indexes.join('.')}`,
    { hint: 'give the topic the message type that its producer writes' },
  )
}
