/**
 * Parameters of requests. Each is described once, as JSON Schema has it: by that it is checked, and
 * the description of the API is made of it.
 */
import type { IncomingMessage } from 'node:http'
import { type Issue, Refusal } from './refusal.ts'

export interface ParamSpec {
  readonly in: 'path' | 'query' | 'header'
  readonly description: string
  readonly required?: true
  readonly schema: ParamSchema
}

export type ParamSchema =
  | {
      readonly type: 'integer'
      readonly minimum: number
      readonly maximum: number
      readonly default?: number
    }
  | {
      readonly type: 'string'
      readonly minLength?: number
      readonly maxLength: number
      readonly pattern?: string
      readonly enum?: readonly string[]
      readonly default?: string
    }

export type ParamSpecs = Readonly<Record<string, ParamSpec>>

type ValueOf<S extends ParamSchema> = S extends { readonly type: 'integer' }
  ? number
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : string

/** The values of parameters: null where one was not given and has no default. */
export type Params<S extends ParamSpecs> = {
  readonly [K in keyof S]:
    | ValueOf<S[K]['schema']>
    | (S[K] extends { readonly required: true }
        ? never
        : S[K]['schema'] extends { readonly default: unknown }
          ? never
          : null)
}

export interface Given {
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly request: IncomingMessage
}

/** @throws Refusal 400 with every parameter that is wrong */
export function readParams<const S extends ParamSpecs>(specs: S, given: Given): Params<S> {
  const issues: Issue[] = []
  for (const name of new Set(given.query.keys())) {
    if (specs[name]?.in === 'query') continue
    issues.push({ field: name, detail: 'there is no such parameter' })
  }
  const values: Record<string, string | number | null> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const found = textsOf(name, spec, given)
    if (found.length > 1) issues.push({ field: name, detail: 'it is given more than once' })
    const [text] = found
    if (text === undefined) {
      if (spec.required) issues.push({ field: name, detail: 'it is missing' })
      values[name] = spec.schema.default ?? null
      continue
    }
    const value = valueOf(text, spec.schema)
    if (typeof value === 'object') issues.push({ field: name, detail: value.fault })
    else values[name] = value
  }
  const [first] = issues
  if (first !== undefined) {
    throw new Refusal(400, 'bad-request', `${first.field}: ${first.detail}`, { issues })
  }
  return values as Params<S>
}

function textsOf(name: string, spec: ParamSpec, { path, query, request }: Given): string[] {
  if (spec.in === 'query') return query.getAll(name)
  if (spec.in === 'header') return request.headersDistinct[name.toLowerCase()] ?? []
  return path[name] === undefined ? [] : [path[name]]
}

function valueOf(text: string, schema: ParamSchema): string | number | { readonly fault: string } {
  if (schema.type === 'integer') {
    const { minimum, maximum } = schema
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (value >= minimum && value <= maximum) return value
    return { fault: `it must be a whole number from ${minimum} to ${maximum}` }
  }
  const { minLength = 0, maxLength, pattern } = schema
  if (text.length < minLength || text.length > maxLength) {
    return { fault: `it must have ${minLength} to ${maxLength} characters` }
  }
  if (schema.enum !== undefined && !schema.enum.includes(text)) {
    return { fault: `it must be ${schema.enum.join(' or ')}` }
  }
  if (pattern !== undefined && !new RegExp(pattern).test(text)) {
    return { fault: `it must match ${pattern}` }
  }
  return text
}
