/** Avro values with a schema registry, by avsc. */
import avsc from 'avsc'
import type { Type } from 'avsc'
import { codec } from '../core/codec.ts'
import type { Codec } from '../core/codec.ts'
import { MillraceError, messageOf } from '../core/error.ts'
import { boundedType } from './bounded-avro.ts'
import { CompiledSchemas } from './compiled-schemas.ts'
import { frameBytes, framed, schemaIdAt } from './schema-frame.ts'
import type { SchemaReference, SchemaRegistry, SchemaText } from './schema-registry.ts'
import type { Registration } from './written-schema.ts'
import { WrittenSchema } from './written-schema.ts'

export interface AvroOptions {
  readonly registry: SchemaRegistry
  /** Under which the schema is registered; by convention `<topic>-value`. */
  readonly subject: string
  /**
   * The schema to write with, as JSON data. Values that were written with others are resolved to it
   * by Avro's rules (defaults, promotions, aliases). Without one the codec only reads, each value
   * as its own schema has it.
   */
  readonly schema?: unknown
  /** Schemas of other subjects that `schema` uses by name. */
  readonly references?: readonly SchemaReference[]
  /** Default `register`. */
  readonly registration?: Registration
}

type Resolve = (bytes: Buffer) => unknown

/**
 * Avro in the frame of a schema registry (zero byte, schema id, value). Needs the package `avsc`.
 *
 * Schemas are fetched by the id in each record, once; while one is on its way the input waits. A
 * `long` is a number, exact: values beyond 2^53 are refused. `bytes` are Buffers; unions are
 * unwrapped where their branches can be told apart (avsc's rule).
 * @throws `encode-failed` for a value that does not fit, with the path · `decode-failed` ·
 * `registry-failed`
 * @example
 * const registry = new SchemaRegistry({ url: 'http://127.0.0.1:8081' })
 * const orders = topic('orders', {
 *   codec: avro<{ id: string; cents: number }>({
 *     registry,
 *     subject: 'orders-value',
 *     schema: {
 *       type: 'record',
 *       name: 'Order',
 *       fields: [{ name: 'id', type: 'string' }, { name: 'cents', type: 'long' }],
 *     },
 *   }),
 * })
 */
export function avro<T = unknown>(options: AvroOptions): Codec<T> {
  const { registry, subject, references = [] } = options
  const text = options.schema === undefined ? null : JSON.stringify(options.schema)
  const schema: SchemaText | null = text === null ? null : { type: 'AVRO', text, references }
  const written = new WrittenSchema({
    registry,
    subject,
    schema,
    registration: options.registration ?? 'register',
  })
  let own: Promise<Type> | null = null
  const ownType = async (): Promise<Type | null> => {
    if (schema === null) return null
    own ??= typeOf(registry, schema)
    own.catch(() => (own = null))
    return await own
  }
  const known = new CompiledSchemas<Resolve>(async (id) => {
    const found = await registry.schema(id)
    if (found.type !== 'AVRO') throw wrongType(id, found.type)
    const writer = await typeOf(registry, found)
    return resolution(writer, await ownType(), id)
  })
  let writer: Type | null = null
  return {
    ...codec<T>({
      name: `avro ${subject}`,
      decode: (bytes) => decodeAvro(known, bytes) as T,
      encode: (value) => framed(written.id, encodeAvro(writer, value)),
    }),
    prepare: async () => {
      writer = await ownType()
      await written.prepare()
    },
  }
}

function decodeAvro(known: CompiledSchemas<Resolve>, bytes: Buffer): unknown {
  const id = schemaIdAt(bytes, 0, bytes.length)
  const read = known.get(id)
  try {
    return read(bytes.subarray(frameBytes))
  } catch (thrown) {
    throw new MillraceError('decode-failed', `schema ${id}: ${messageOf(thrown)}`, {
      cause: thrown,
    })
  }
}

function encodeAvro(type: Type | null, value: unknown): Buffer {
  if (type === null) return Buffer.alloc(0) // `written.id` has thrown before
  const wrong: string[] = []
  const isValid = type.isValid(value, {
    errorHook: (path, found) => void wrong.push(`${path.join('.') || 'the value'}: ${kind(found)}`),
  })
  if (isValid) return type.toBuffer(value)
  const text = `the value does not fit the Avro schema at ${wrong.slice(0, 3).join(', ')}`
  throw new MillraceError('encode-failed', text, { hint: 'give what the schema declares' })
}

function kind(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function resolution(writer: Type, reader: Type | null, id: number): Resolve {
  if (reader === null) return (bytes) => writer.fromBuffer(bytes) as unknown
  try {
    const resolver = reader.createResolver(writer)
    return (bytes) => reader.fromBuffer(bytes, resolver) as unknown
  } catch (thrown) {
    const text = `schema ${id} cannot be read with the topic's schema: ${messageOf(thrown)}`
    throw new MillraceError('decode-failed', text, { cause: thrown })
  }
}

/** The type of a schema with all that it refers to. */
async function typeOf(registry: SchemaRegistry, schema: SchemaText): Promise<Type> {
  const names: Record<string, Type> = { long: exactLong }
  await declareReferences(registry, schema, names)
  return parse(schema, names)
}

async function declareReferences(
  registry: SchemaRegistry,
  schema: SchemaText,
  names: Record<string, Type>,
  seen: Set<string> = new Set(),
): Promise<void> {
  for (const reference of schema.references) {
    const place = `${reference.subject}/${reference.version}`
    if (seen.has(place)) continue
    seen.add(place)
    const found = await registry.version(reference)
    await declareReferences(registry, found, names, seen)
    parse(found, names)
  }
}

/** Registers what it declares in `names`. */
function parse(schema: SchemaText, names: Record<string, Type>): Type {
  try {
    const options = { registry: names, typeHook: boundedType }
    return avsc.Type.forSchema(JSON.parse(schema.text) as never, options as never)
  } catch (thrown) {
    throw new MillraceError('decode-failed', `the Avro schema is not valid: ${messageOf(thrown)}`, {
      cause: thrown,
    })
  }
}

/**
 * Avro's 64-bit integer as a number that is exact. (avsc's own gives other values beyond 2^52, in
 * silence.)
 */
const exactLong: Type = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const value = bytes.readBigInt64LE()
    if (isSafe(value)) return Number(value)
    throw new Error(`the long ${value} is beyond 2^53, where numbers are not exact`)
  },
  toBuffer: (value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => Number.isSafeInteger(value),
  compare: (a: number, b: number) => Math.sign(a - b),
}) as Type

function isSafe(value: bigint): boolean {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)
}

function wrongType(id: number, type: string): MillraceError {
  return new MillraceError('decode-failed', `schema ${id} is ${type}, not AVRO`, {
    hint: 'give the topic the codec of that format',
  })
}
