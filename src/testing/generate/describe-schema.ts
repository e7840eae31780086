/**
 * What a schema says of itself: as JSON Schema, by the extension of Standard Schema for it
 * (standardschema.dev/json-schema), and what it refuses.
 */
import { MillraceError, messageOf } from '../../core/error.ts'
import { type StandardSchema, validator } from '../../core/schema.ts'
import {
  isPlainObject,
  type JsonSchema,
  type JsonSchemaObject,
  schemaFault,
} from './json-schema.ts'

export interface DescribedSchema {
  readonly schema: JsonSchema
  /** Why a value does not fit; null: it does. */
  readonly refuses: (value: unknown) => string | null
}

type Describe = (options: {
  readonly target: string
  readonly libraryOptions?: Record<string, unknown>
}) => unknown

/** Whether `schema` can say what it takes, so that values can be made. */
export function describesItself(schema: unknown): boolean {
  return describerOf(schema) !== null
}

/**
 * @param given a Standard Schema that describes itself, or a JSON Schema
 * @throws `invalid-schema`
 */
export function describeSchema(given: unknown): DescribedSchema {
  const holder = typeof given === 'function' ? given : isPlainObject(given) ? given : null
  if (holder === null || !('~standard' in holder)) {
    if (typeof given !== 'boolean' && (holder === null || typeof holder === 'function')) {
      throw schemaFault('it is no Standard Schema, and no JSON Schema', 'give one of the two')
    }
    return { schema: given as JsonSchema, refuses: () => null }
  }
  const validate = validator(given as StandardSchema, {})
  const describe = describerOf(given)
  if (describe === null) {
    throw schemaFault('the schema does not describe itself as JSON Schema', describeHint)
  }
  return {
    schema: described(describe, vendorOf(holder)),
    refuses: (value) => {
      try {
        validate(value)
        return null
      } catch (thrown) {
        if (thrown instanceof MillraceError && thrown.code === 'invalid-schema') throw thrown
        return messageOf(thrown)
      }
    },
  }
}

const describeHint =
  'zod 4.2+ and arktype 2.1.28+ do; of valibot, give toStandardJsonSchema(schema) of ' +
  '@valibot/to-json-schema; else give a JSON Schema'

function describerOf(schema: unknown): Describe | null {
  const holder = typeof schema === 'function' || isPlainObject(schema) ? schema : null
  const standard = (holder as Record<string, unknown> | null)?.['~standard']
  const converter = isPlainObject(standard) ? standard['jsonSchema'] : undefined
  const input = isPlainObject(converter) ? converter['input'] : undefined
  return typeof input === 'function' ? (input as Describe) : null
}

function vendorOf(holder: object): unknown {
  return (Reflect.get(holder, '~standard') as { vendor?: unknown }).vendor
}

function described(describe: Describe, vendor: unknown): JsonSchema {
  const libraryOptions = vendorOptions(vendor)
  try {
    const found = describe({
      target: 'draft-2020-12',
      ...(libraryOptions === null ? {} : { libraryOptions }),
    })
    return isPlainObject(found) ? (found as JsonSchemaObject) : found !== false
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown
    const text = `the schema cannot be described as JSON Schema: ${messageOf(thrown)}`
    throw schemaFault(text, 'leave out what JSON has not, or give a JSON Schema')
  }
}

/** Dates and bigints, which JSON has not, are marked where a library lets us. */
function vendorOptions(vendor: unknown): Record<string, unknown> | null {
  if (vendor === 'zod') return { unrepresentable: 'any', override: markOfZod }
  if (vendor === 'arktype') return { fallback: { date: markOfArktype } }
  return null
}

interface ZodNode {
  readonly zodSchema: {
    readonly _zod: { readonly def: { readonly type: string } }
    /** Of a date. */
    readonly minDate?: unknown
    readonly maxDate?: unknown
  }
  readonly jsonSchema: Record<string, unknown>
  readonly path: readonly PropertyKey[]
}

/** What zod would describe as `{}` though not any value fits. */
const notJson = ['symbol', 'undefined', 'void', 'nan', 'map', 'set', 'function', 'promise']

function markOfZod({ zodSchema, jsonSchema, path }: ZodNode): void {
  const { def } = zodSchema._zod
  const { minDate, maxDate } = zodSchema
  if (def.type === 'bigint') jsonSchema['x-millrace-kind'] = 'bigint'
  if (notJson.includes(def.type)) {
    throw schemaFault(`values cannot be made from ${def.type}() at #/${path.join('/')}`)
  }
  if (def.type !== 'date') return
  jsonSchema['x-millrace-kind'] = 'date'
  if (minDate instanceof Date) jsonSchema['minimum'] = minDate.getTime()
  if (maxDate instanceof Date) jsonSchema['maximum'] = maxDate.getTime()
}

function markOfArktype({ base }: { readonly base: object }): object {
  return { ...base, 'x-millrace-kind': 'date' }
}
