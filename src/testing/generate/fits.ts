/**
 * Whether a value fits a JSON Schema: the keywords that `json-schema.ts` names, by the plain words
 * of the specification. What the generators make is held against it.
 */
import { formats } from './formats.ts'
import {
  canonical,
  isPlainObject,
  type JsonSchema,
  type JsonSchemaObject,
  resolveRef,
} from './json-schema.ts'

/** @param root the whole schema, for its references */
export function fits(root: JsonSchema, schema: JsonSchema, value: unknown): boolean {
  if (typeof schema === 'boolean') return schema
  if (schema.nullable === true && value === null) return true
  return (
    fitsKind(schema, value) &&
    fitsType(schema, value) &&
    fitsGroups(root, schema, value) &&
    (schema.const === undefined || canonical(schema.const) === canonical(value)) &&
    (schema.enum?.some((one) => canonical(one) === canonical(value)) ?? true) &&
    (typeof value !== 'number' || fitsNumber(schema, value)) &&
    (typeof value !== 'string' || fitsString(schema, value)) &&
    (!Array.isArray(value) || fitsArray(root, schema, value)) &&
    (!isPlainObject(value) || value instanceof Date || fitsObject(root, schema, value))
  )
}

function fitsKind(schema: JsonSchemaObject, value: unknown): boolean {
  switch (schema['x-millrace-kind']) {
    case 'date':
      return value instanceof Date
    case 'bigint':
      return typeof value === 'bigint'
    default:
      return true
  }
}

function fitsType({ type }: JsonSchemaObject, value: unknown): boolean {
  if (type === undefined) return true
  const types = typeof type === 'string' ? [type] : type
  const own = typeOf(value)
  return types.includes(own) || (own === 'integer' && types.includes('number'))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' && Number.isInteger(value)) return 'integer'
  return typeof value
}

function fitsGroups(root: JsonSchema, schema: JsonSchemaObject, value: unknown): boolean {
  const { $ref, allOf, anyOf, oneOf, not } = schema
  const holds = (one: JsonSchema): boolean => fits(root, one, value)
  return (
    ($ref === undefined || holds(resolveRef(root, $ref, '#'))) &&
    (allOf === undefined || allOf.every(holds)) &&
    (anyOf === undefined || anyOf.some(holds)) &&
    (oneOf === undefined || oneOf.filter(holds).length === 1) &&
    (not === undefined || !holds(not))
  )
}

function fitsNumber(schema: JsonSchemaObject, value: number): boolean {
  const { least, most, isLeastOpen, isMostOpen } = boundsOf(schema)
  if (isLeastOpen ? value <= least : value < least) return false
  if (isMostOpen ? value >= most : value > most) return false
  const { multipleOf } = schema
  return multipleOf === undefined || multiple(Math.round(value / multipleOf), multipleOf) === value
}

export interface Bounds {
  readonly least: number
  readonly most: number
  readonly isLeastOpen: boolean
  readonly isMostOpen: boolean
}

export function boundsOf(schema: JsonSchemaObject): Bounds {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  const least = minimum ?? Number.NEGATIVE_INFINITY
  const most = maximum ?? Number.POSITIVE_INFINITY
  const leastOpen = typeof exclusiveMinimum === 'number' ? exclusiveMinimum : -Infinity
  const mostOpen = typeof exclusiveMaximum === 'number' ? exclusiveMaximum : Infinity
  return {
    least: Math.max(least, leastOpen),
    most: Math.min(most, mostOpen),
    isLeastOpen: exclusiveMinimum === true || leastOpen >= least,
    isMostOpen: exclusiveMaximum === true || mostOpen <= most,
  }
}

/** `count * step` as it is written in decimals: 3 * 0.1 is 0.3. */
export function multiple(count: number, step: number): number {
  const [, fraction = '', exponent = '0'] = /^\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(`${step}`) ?? []
  const digits = Math.min(100, Math.max(0, fraction.length - Number(exponent)))
  const product = count * step
  return digits === 0 ? product : Number(product.toFixed(digits))
}

function fitsString(schema: JsonSchemaObject, value: string): boolean {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = schema
  const { length } = Array.from(value) // in code points
  if (length < minLength || length > maxLength) return false
  if (pattern !== undefined && !patternOf(pattern).test(value)) return false
  return format === undefined || (formats[format]?.fits(value) ?? true)
}

/** As a Unicode pattern; where it is none, as an older one. @throws SyntaxError */
export function patternOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return new RegExp(pattern)
  }
}

function fitsArray(root: JsonSchema, schema: JsonSchemaObject, value: readonly unknown[]): boolean {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, uniqueItems } = schema
  if (value.length < minItems || value.length > maxItems) return false
  if (uniqueItems === true && new Set(value.map(canonical)).size < value.length) return false
  const { prefix, rest } = itemsOf(schema)
  return value.every((one, i) => fits(root, prefix[i] ?? rest, one))
}

export function itemsOf(schema: JsonSchemaObject): {
  readonly prefix: readonly JsonSchema[]
  readonly rest: JsonSchema
} {
  const { items, prefixItems, additionalItems = true } = schema
  if (Array.isArray(items)) return { prefix: items as readonly JsonSchema[], rest: additionalItems }
  return { prefix: prefixItems ?? [], rest: (items as JsonSchema | undefined) ?? true }
}

function fitsObject(
  root: JsonSchema,
  schema: JsonSchemaObject,
  value: Readonly<Record<string, unknown>>,
): boolean {
  const { required = [], minProperties = 0, maxProperties = Infinity, propertyNames } = schema
  const names = Object.keys(value).filter((name) => value[name] !== undefined)
  if (names.length < minProperties || names.length > maxProperties) return false
  if (!required.every((name) => names.includes(name))) return false
  return names.every(
    (name) =>
      (propertyNames === undefined || fits(root, propertyNames, name)) &&
      schemasOf(schema, name).every((one) => fits(root, one, value[name])),
  )
}

/** All that hold for a property. */
export function schemasOf(schema: JsonSchemaObject, name: string): readonly JsonSchema[] {
  const { properties = {}, patternProperties = {}, additionalProperties = true } = schema
  const own = Object.hasOwn(properties, name) ? [properties[name] as JsonSchema] : []
  const matching = Object.entries(patternProperties).flatMap(([pattern, one]) =>
    patternOf(pattern).test(name) ? [one] : [],
  )
  const found = [...own, ...matching]
  return found.length > 0 ? found : [additionalProperties]
}
