/**
 * Two schemas that both hold, as one from which values can be made. It may lose a condition that
 * has no form of its own (two patterns): whoever makes values holds them against the originals.
 */
import { itemsOf } from './fits.ts'
import { canonical, type JsonSchema, type JsonSchemaObject } from './json-schema.ts'

/** @returns false: nothing can fit both */
export function mergeSchemas(a: JsonSchema, b: JsonSchema): JsonSchema {
  if (typeof a === 'boolean') return a ? b : false
  if (typeof b === 'boolean') return b ? a : false
  const merged: Record<string, unknown> = { ...b, ...a }
  for (const [keyword, merge] of Object.entries(merges)) {
    const [left, right] = [a[keyword], b[keyword]]
    if (left !== undefined && right !== undefined) merged[keyword] = merge(left, right)
  }
  const types = typesBoth(a, b)
  if (types !== null) merged['type'] = types
  if (types?.length === 0) return false
  const constants = constantsBoth(a, b)
  if (constants !== null) {
    delete merged['const']
    merged['enum'] = constants
  }
  if (a.properties !== undefined || b.properties !== undefined) {
    merged['properties'] = propertiesBoth(a, b)
  }
  mergeItems(a, b, merged)
  keepBoth(a, b, merged)
  return merged
}

type Merge = (a: unknown, b: unknown) => unknown

const larger: Merge = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : typeof a === 'number' ? a : b
const smaller: Merge = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : typeof a === 'number' ? a : b

const merges: Readonly<Record<string, Merge>> = {
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  multipleOf: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  uniqueItems: (a, b) => a === true || b === true,
  nullable: (a, b) => a === true && b === true,
  required: (a, b) => [...new Set([...(a as string[]), ...(b as string[])])],
  additionalProperties: (a, b) => mergeSchemas(a as JsonSchema, b as JsonSchema),
  propertyNames: (a, b) => mergeSchemas(a as JsonSchema, b as JsonSchema),
}

function listOf(type: string | readonly string[]): readonly string[] {
  return typeof type === 'string' ? [type] : type
}

function typesBoth(a: JsonSchemaObject, b: JsonSchemaObject): readonly string[] | null {
  if (a.type === undefined || b.type === undefined) return null
  const [left, right] = [listOf(a.type), listOf(b.type)]
  const both = left.filter((one) => right.includes(one))
  const isWhole =
    (left.includes('integer') && right.includes('number')) ||
    (left.includes('number') && right.includes('integer'))
  return isWhole && !both.includes('number') && !both.includes('integer')
    ? [...both, 'integer']
    : both
}

function constantsBoth(a: JsonSchemaObject, b: JsonSchemaObject): readonly unknown[] | null {
  const values = (schema: JsonSchemaObject): readonly unknown[] | undefined =>
    schema.const === undefined ? schema.enum : [schema.const]
  const [left, right] = [values(a), values(b)]
  if (left === undefined || right === undefined) return null
  const texts = new Set(right.map(canonical))
  return left.filter((one) => texts.has(canonical(one)))
}

/** Where one of the two takes no others, only its own stay. */
function propertiesBoth(a: JsonSchemaObject, b: JsonSchemaObject): Record<string, JsonSchema> {
  const both: Record<string, JsonSchema> = {}
  for (const [name, schema] of Object.entries(a.properties ?? {})) {
    both[name] = mergeSchemas(schema, b.properties?.[name] ?? b.additionalProperties ?? true)
  }
  for (const [name, schema] of Object.entries(b.properties ?? {})) {
    if (Object.hasOwn(both, name)) continue
    both[name] = mergeSchemas(a.additionalProperties ?? true, schema)
  }
  return both
}

function mergeItems(
  a: JsonSchemaObject,
  b: JsonSchemaObject,
  merged: Record<string, unknown>,
): void {
  const hasItems = (schema: JsonSchemaObject): boolean =>
    schema.items !== undefined || schema.prefixItems !== undefined
  if (!hasItems(a) || !hasItems(b)) return
  const [left, right] = [itemsOf(a), itemsOf(b)]
  const length = Math.max(left.prefix.length, right.prefix.length)
  merged['prefixItems'] = Array.from({ length }, (_, i) =>
    mergeSchemas(left.prefix[i] ?? left.rest, right.prefix[i] ?? right.rest),
  )
  merged['items'] = mergeSchemas(left.rest, right.rest)
}

/** Groups of both must hold. */
function keepBoth(a: JsonSchemaObject, b: JsonSchemaObject, merged: Record<string, unknown>): void {
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    const [left, right] = [a[keyword], b[keyword]]
    if (left === undefined || right === undefined || canonical(left) === canonical(right)) continue
    merged[keyword] = left.flatMap((one) => right.map((other) => mergeSchemas(one, other)))
  }
  if (a.not !== undefined && b.not !== undefined) merged['not'] = { anyOf: [a.not, b.not] }
  const more: JsonSchema[] = [...(a.allOf ?? []), ...(b.allOf ?? [])]
  if (a.$ref !== undefined && b.$ref !== undefined && a.$ref !== b.$ref) more.push({ $ref: b.$ref })
  if (more.length > 0) merged['allOf'] = more
}
