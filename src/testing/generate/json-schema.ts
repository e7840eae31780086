/**
 * JSON Schema (draft 2020-12, with what draft 7 and OpenAPI 3.0 write in another way), as far as
 * values can be made from it. Any other keyword is refused: a value that ignores it would be wrong
 * in silence.
 */
import { MillraceError } from '../../core/error.ts'

export type JsonSchema = boolean | JsonSchemaObject

export interface JsonSchemaObject {
  readonly [keyword: string]: unknown
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly nullable?: boolean
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly propertyNames?: JsonSchema
  readonly minProperties?: number
  readonly maxProperties?: number
  /** A list: how earlier drafts write `prefixItems`. */
  readonly items?: JsonSchema | readonly JsonSchema[]
  readonly additionalItems?: JsonSchema
  readonly prefixItems?: readonly JsonSchema[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  /** A boolean: how OpenAPI 3.0 writes it. */
  readonly exclusiveMinimum?: number | boolean
  readonly exclusiveMaximum?: number | boolean
  readonly multipleOf?: number
  readonly allOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly not?: JsonSchema
  readonly $ref?: string
  /** Of ours: a value that JSON has not, but schemas of JavaScript do. */
  readonly 'x-millrace-kind'?: 'date' | 'bigint'
}

export const valueTypes = [
  'null',
  'boolean',
  'integer',
  'number',
  'string',
  'array',
  'object',
] as const
export type ValueType = (typeof valueTypes)[number]

const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isText = (value: unknown): boolean => typeof value === 'string'
const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isSchema = (value: unknown): boolean => isFlag(value) || isPlainObject(value)
const isBound = (value: unknown): boolean => isNumber(value) || isFlag(value)
const isList = (value: unknown): boolean => Array.isArray(value)
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const isSchemaList = (value: unknown): boolean => Array.isArray(value) && value.every(isSchema)
const isSchemaMap = (value: unknown): boolean =>
  isPlainObject(value) && Object.values(value).every(isSchema)
const isType = (value: unknown): boolean =>
  (valueTypes as readonly unknown[]).includes(value) ||
  (Array.isArray(value) && value.every((one) => (valueTypes as readonly unknown[]).includes(one)))

/** Keyword → whether its value is one that is understood. */
const keywords: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: isType,
  enum: isList,
  const: () => true,
  nullable: isFlag,
  properties: isSchemaMap,
  required: isTextList,
  additionalProperties: isSchema,
  patternProperties: isSchemaMap,
  propertyNames: isSchema,
  minProperties: isCount,
  maxProperties: isCount,
  items: (value) => isSchema(value) || isSchemaList(value),
  additionalItems: isSchema,
  prefixItems: isSchemaList,
  minItems: isCount,
  maxItems: isCount,
  uniqueItems: isFlag,
  minLength: isCount,
  maxLength: isCount,
  pattern: isText,
  format: isText,
  minimum: isNumber,
  maximum: isNumber,
  exclusiveMinimum: isBound,
  exclusiveMaximum: isBound,
  multipleOf: (value) => isNumber(value) && (value as number) > 0,
  allOf: isSchemaList,
  anyOf: isSchemaList,
  oneOf: isSchemaList,
  not: isSchema,
  $ref: isText,
  'x-millrace-kind': (value) => value === 'date' || value === 'bigint',
}

/** Keywords that say nothing about which values fit. */
const annotations: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'example',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
])

/** @param at JSON pointer of the schema, for messages. @throws `invalid-schema` */
export function checkKeywords(schema: JsonSchemaObject, at: string): void {
  for (const [keyword, value] of Object.entries(schema)) {
    if (value === undefined || annotations.has(keyword)) continue
    const isUnderstood = keywords[keyword]
    if (isUnderstood === undefined) {
      if (keyword.startsWith('x-')) continue
      throw schemaFault(`values cannot be made from '${keyword}' at ${at}`)
    }
    if (isUnderstood(value)) continue
    throw schemaFault(`'${keyword}' cannot be ${JSON.stringify(value)} at ${at}`)
  }
}

/** What a `$ref` names. @throws `invalid-schema` */
export function resolveRef(root: JsonSchema, ref: string, at: string): JsonSchema {
  if (ref === '#' || ref.startsWith('#/')) {
    let found: unknown = root
    for (const part of ref.split('/').slice(1)) {
      const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
      found = isPlainObject(found) || Array.isArray(found) ? Reflect.get(found, name) : undefined
    }
    if (isSchema(found)) return found as JsonSchema
  }
  throw schemaFault(`'$ref' names ${ref}, which is not in the schema, at ${at}`)
}

export function schemaFault(text: string, hint?: string): MillraceError {
  return new MillraceError('invalid-schema', text, {
    hint: hint ?? 'give a JSON Schema without it, or an arbitrary of your own',
  })
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Equal for equal JSON, whatever the order of names. */
export function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isPlainObject(value)) return JSON.stringify(value) ?? 'undefined'
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}
