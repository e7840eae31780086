/**
 * Templates of `consume --format`: text with fields in braces, `'{key}\t{value}'`. `{{` and `}}`
 * are braces, `\t`, `\n`, `\r`, `\0` and `\\` what they are elsewhere.
 */
import { InvalidArgumentError } from 'commander'

export const fields = [
  'topic',
  'partition',
  'offset',
  'key',
  'value',
  'time',
  'timeMs',
  'headers',
] as const
export type Field = (typeof fields)[number]

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly field: Field }

const escapes: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  0: '\0',
  '\\': '\\',
}
const token = /\{\{|\}\}|\{([^{}]*)\}|\\([tnr0\\])|[{}]/g

/** @throws InvalidArgumentError for an unknown field, a brace without its other one, or no field */
export function parseTemplate(template: string): Part[] {
  const parts: Part[] = []
  let text = ''
  let at = 0
  for (const match of template.matchAll(token)) {
    text += template.slice(at, match.index)
    at = match.index + match[0].length
    const [whole, name, escaped] = match
    if (escaped !== undefined) text += escapes[escaped] ?? ''
    else if (whole === '{{' || whole === '}}') text += whole.charAt(0)
    else if (name === undefined)
      throw new InvalidArgumentError(`Write '${whole}${whole}' for a brace.`)
    else {
      if (text !== '') parts.push({ kind: 'text', text })
      text = ''
      parts.push({ kind: 'field', field: fieldNamed(name) })
    }
  }
  text += template.slice(at)
  if (text !== '') parts.push({ kind: 'text', text })
  if (parts.some(({ kind }) => kind === 'field')) return parts
  throw new InvalidArgumentError(
    `Write value, json, or a template with fields, as '{key} {value}'.`,
  )
}

function fieldNamed(name: string): Field {
  const field = fields.find((known) => known === name)
  if (field !== undefined) return field
  throw new InvalidArgumentError(`There is no field {${name}}; there are {${fields.join('}, {')}}.`)
}
