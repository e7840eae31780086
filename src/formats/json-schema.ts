/** JSON values with a schema registry. */
import { jsonCodec } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { MillraceError } from '../core/error.ts'
import { CompiledSchemas } from './compiled-schemas.ts'
import { frameBytes, framed, schemaIdAt } from './schema-frame.ts'
import type { SchemaReference, SchemaRegistry } from './schema-registry.ts'
import type { Registration } from './written-schema.ts'
import { WrittenSchema } from './written-schema.ts'

export interface JsonSchemaOptions {
  readonly registry: SchemaRegistry
  /** Under which the schema is registered; by convention `<topic>-value`. */
  readonly subject: string
  /** The JSON Schema to write with, as data. Without one the codec only reads. */
  readonly schema?: unknown
  readonly references?: readonly SchemaReference[]
  /** Default `register`. */
  readonly registration?: Registration
}

/**
 * JSON in the frame of a schema registry (zero byte, schema id, JSON text). The schema is
 * registered and its id written and checked to be one of the registry's; the values themselves are
 * checked by the topic's `schema`, as those of any other codec.
 * @throws `encode-failed` · `decode-failed` · `registry-failed`
 * @example
 * const registry = new SchemaRegistry({ url: 'http://127.0.0.1:8081' })
 * const readings = topic('readings', {
 *   codec: jsonSchema<{ celsius: number }>({
 *     registry,
 *     subject: 'readings-value',
 *     schema: { type: 'object', properties: { celsius: { type: 'number' } } },
 *   }),
 * })
 */
export function jsonSchema<T = unknown>(options: JsonSchemaOptions): Codec<T> {
  const { registry, subject, references = [] } = options
  const written = new WrittenSchema({
    registry,
    subject,
    schema:
      options.schema === undefined
        ? null
        : { type: 'JSON', text: JSON.stringify(options.schema), references },
    registration: options.registration ?? 'register',
  })
  const known = new CompiledSchemas<true>(async (id) => {
    const { type } = await registry.schema(id)
    if (type === 'JSON') return true
    throw new MillraceError('decode-failed', `schema ${id} is ${type}, not JSON`, {
      hint: 'give the topic the codec of that format',
    })
  })
  const decode = (bytes: Buffer, start: number, end: number): T => {
    known.get(schemaIdAt(bytes, start, end))
    return jsonCodec.decode(bytes, start + frameBytes, end) as T
  }
  return {
    name: `json schema ${subject}`,
    decode,
    decoder: (bytes) => (start, end) => decode(bytes, start, end),
    encode: (value) => framed(written.id, Buffer.from(jsonCodec.encode(value))),
    prepare: () => written.prepare(),
  }
}
