/**
 * Standard Schema v1 (standardschema.dev): what zod, valibot, arktype and others implement, as
 * types of our own, so nothing is imported.
 */
import { type ErrorPlace, MillraceError, messageOf } from './error.ts'

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>
}

export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1
  readonly vendor: string
  readonly validate: (
    value: unknown,
    options?: { readonly libraryOptions?: Record<string, unknown> | undefined } | undefined,
  ) => SchemaResult<Output> | Promise<SchemaResult<Output>>
  /** Never there at run time; carries the types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema accepts. */
export type InferInput<S extends StandardSchema<unknown, unknown>> = NonNullable<
  S['~standard']['types']
>['input']
/** What a schema gives. */
export type InferOutput<S extends StandardSchema<unknown, unknown>> = NonNullable<
  S['~standard']['types']
>['output']

/** Issues shown in a message; the rest is counted. */
const issuesMax = 3
/** Longest message of one issue shown, in UTF-16 units. */
const issueLengthMax = 200

/**
 * A function that checks one value and gives the schema's output for it (coerced, with defaults).
 * @param place put into the errors
 * @throws `invalid-schema` at once, where `schema` is no Standard Schema v1.
 *   The function throws `validation-failed` where the value does not fit (its message names up to 3
 *   issues: `celsius: expected number, received string`), `invalid-schema` where the schema is
 *   asynchronous.
 */
export function validator<Output>(
  schema: StandardSchema<unknown, Output>,
  place: ErrorPlace,
): (value: unknown) => Output {
  const standard = propsOf(schema, place)
  return (value) => {
    let result: SchemaResult<Output> | Promise<SchemaResult<Output>>
    try {
      result = standard.validate(value)
    } catch (thrown) {
      throw new MillraceError('validation-failed', `the schema threw: ${messageOf(thrown)}`, {
        at: place,
        cause: thrown,
      })
    }
    if (result instanceof Promise) {
      result.catch(() => {}) // its outcome is of no use to anyone
      throw new MillraceError('invalid-schema', 'the schema validates asynchronously', {
        at: place,
        hint: 'leave out asynchronous checks and transforms; look up in a later step',
      })
    }
    if (result.issues === undefined) return result.value
    throw new MillraceError('validation-failed', issuesText(result.issues), {
      at: place,
      hint: 'send values that fit, or change the schema',
    })
  }
}

function propsOf<Output>(
  schema: StandardSchema<unknown, Output>,
  place: ErrorPlace,
): StandardSchemaProps<unknown, Output> {
  // arktype's schemas are functions; from JavaScript anything can come.
  const given: unknown = schema
  const holder = typeof given === 'object' || typeof given === 'function' ? given : null
  const standard = (holder as Partial<StandardSchema<unknown, Output>> | null)?.['~standard']
  if (standard?.version !== 1 || typeof standard.validate !== 'function') {
    throw new MillraceError('invalid-schema', 'the schema is not a Standard Schema of version 1', {
      at: place,
      hint: 'give a schema of zod 3.24+, valibot 1+, arktype 2+ or alike (standardschema.dev)',
    })
  }
  return standard
}

function issuesText(issues: readonly SchemaIssue[]): string {
  if (issues.length === 0) return 'the value does not fit the schema'
  const texts = issues.slice(0, issuesMax).map(issueText)
  const more = issues.length - texts.length
  return texts.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

function issueText(issue: SchemaIssue): string {
  const path = (issue.path ?? [])
    .map((part) => String(typeof part === 'object' ? part.key : part))
    .join('.')
  const whole = issue.message.replaceAll(/\s+/g, ' ')
  const message =
    whole.length > issueLengthMax ? `${whole.slice(0, issueLengthMax).toWellFormed()}…` : whole
  // arktype's messages begin with the path.
  if (path === '' || message.startsWith(path)) return message
  return `${path}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}
