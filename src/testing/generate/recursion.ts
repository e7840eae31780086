/** Which references of a schema lead back to themselves. */
import { isPlainObject, type JsonSchema, resolveRef } from './json-schema.ts'

export function isRecursiveRef(root: JsonSchema, ref: string): boolean {
  const seen = new Set<string>()
  const waiting = refsIn(resolveRef(root, ref, '#'))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === ref) return true
    if (seen.has(next)) continue
    seen.add(next)
    waiting.push(...refsIn(resolveRef(root, next, '#')))
  }
  return false
}

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (!isPlainObject(value)) return []
  return Object.entries(value).flatMap(([name, one]) =>
    name === '$ref' && typeof one === 'string' ? [one] : refsIn(one),
  )
}
