/** Whether a value is as a JSON Schema describes it, for the few words that ours use. */

interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

/** What does not fit, each with its place. A member that the schema does not name is told, too. */
export function misfits(value: unknown, schema: object, place = '$'): string[] {
  const { type, enum: allowed, required = [], properties, items } = schema as Schema
  const kinds = type === undefined ? null : [type].flat()
  if (kinds !== null && !kinds.some((kind) => isKind(value, kind))) {
    return [`${place}: ${JSON.stringify(value)} is no ${kinds.join(' or ')}`]
  }
  if (allowed !== undefined && !allowed.includes(value)) return [`${place}: ${String(value)}`]
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => misfits(item, items ?? {}, `${place}[${i}]`))
  }
  if (typeof value !== 'object' || value === null) return []
  const members = value as Readonly<Record<string, unknown>>
  return [
    ...required.filter((name) => !(name in members)).map((name) => `${place}.${name} is missing`),
    ...Object.entries(members).flatMap(([name, member]) => {
      if (properties === undefined) return []
      const known = properties[name]
      if (known === undefined) return [`${place}.${name} is not described`]
      return misfits(member, known, `${place}.${name}`)
    }),
  ]
}

function isKind(value: unknown, kind: string): boolean {
  if (kind === 'null') return value === null
  if (kind === 'array') return Array.isArray(value)
  if (kind === 'integer') return Number.isInteger(value)
  if (kind === 'object') {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  }
  return typeof value === kind
}
