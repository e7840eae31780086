import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import { parseTemplate, type Part } from './record-template.ts'

const text = (value: string): Part => ({ kind: 'text', text: value })
const field = (name: Extract<Part, { kind: 'field' }>['field']): Part => ({
  kind: 'field',
  field: name,
})

test.each<[string, Part[]]>([
  ['{value}', [field('value')]],
  ['{key}\\t{value}', [field('key'), text('\t'), field('value')]],
  ['{{{offset}}}', [text('{'), field('offset'), text('}')]],
  [String.raw`a\\n\n{timeMs}`, [text('a\\n\n'), field('timeMs')]],
  [
    '{topic}/{partition} é {headers}',
    [field('topic'), text('/'), field('partition'), text(' é '), field('headers')],
  ],
])('%s', (template, parts) => {
  expect(parseTemplate(template)).toEqual(parts)
})

test.each([
  ['{foo}', 'There is no field {foo}; there are {topic}, {partition}'],
  ['{}', 'There is no field {}'],
  ['{key', "Write '{{' for a brace."],
  ['key}', "Write '}}' for a brace."],
  ['jsn', 'Write value, json, or a template with fields'],
  ['', 'Write value, json, or a template with fields'],
])('refuses %s', (template, message) => {
  expect(() => parseTemplate(template)).toThrow(InvalidArgumentError)
  expect(() => parseTemplate(template)).toThrow(message)
})
