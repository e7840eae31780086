/** Keys and values of records as text. */
import type { ShownRecord } from './shapes.ts'

export function keyText(key: ShownRecord['key']): string {
  if (key === null) return '(no key)'
  return typeof key === 'string' ? key : `base64 ${key.base64}`
}

export function valueText({ value, form }: ShownRecord): string {
  if (form === null) return 'null'
  return form === 'json' ? JSON.stringify(value) : String(value)
}

/** Over several lines, where it is JSON and nothing is lost by it: digits, keys that repeat. */
export function indentedText(record: ShownRecord): string {
  const { value, form } = record
  if (form !== 'text') return form === 'json' ? JSON.stringify(value, null, 2) : valueText(record)
  const text = String(value)
  if (!/^\s*[[{]/.test(text)) return text
  try {
    const parsed: unknown = JSON.parse(text)
    return JSON.stringify(parsed) === text ? JSON.stringify(parsed, null, 2) : text
  } catch {
    return text
  }
}
